"""Checks of TensorBoard's arguments, of each and of those that depend on each other."""

import os
from typing import Any

from onfit._types import StrPath
from onfit.errors import ArgumentError, warn
from onfit.storage.durable import absolute, require_writable

# For each argument that says how often to write: the arguments that say what to write then.
_HOW_OFTEN = {
    "histogram_freq": ("write_grads", "write_images"),
    "embeddings_freq": ("embeddings_layer_names", "embeddings_metadata", "embeddings_data"),
}


# Arguments that have another place in Keras 3: what it has in this place, and of which types.
_IN_KERAS_3: dict[str, tuple[str, tuple[type, ...]]] = {
    "batch_size": ("write_graph", (bool,)),
    "write_images": ("update_freq", (str, int)),
}


def frequency(argument: str, epochs: Any) -> int:
    """A number of epochs.

    Raises:
        ArgumentError: if it is no whole number, or below 0.
    """
    if not _is_whole(epochs) or epochs < 0:
        raise _wrong(argument, epochs, "a number of epochs such as 1 for every epoch; 0 is never")
    return int(epochs)


def samples(argument: str, size: Any) -> int | None:
    """A number of samples, or None for all.

    Raises:
        ArgumentError: if it is no whole number, or below 1.
    """
    if size is not None and (not _is_whole(size) or size < 1):
        raise _wrong(argument, size, "a number of samples from 1 on such as 32; None is all")
    return None if size is None else int(size)


def flag(argument: str, value: Any) -> bool:
    """Whether something is asked for.

    Raises:
        ArgumentError: if it is neither True nor False, nor 1 or 0.
    """
    if _has_axes(value) or value not in (0, 1):
        raise _wrong(argument, value, "True or False")
    return bool(value)


def folder(argument: str, path: StrPath) -> str:
    """The name of a folder.

    Raises:
        ArgumentError: if it is no path, or an empty one.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise _wrong(argument, path, "the name of a folder such as 'logs', or '.' for this one")
    return os.fspath(path)


def writable_folder(log_dir: str) -> str:
    """The folder of a training that begins: absolute, so that it stays the same wherever the
    program goes meanwhile.

    Raises:
        StorageError: if it cannot be written.
    """
    if "://" in log_dir:  # tensorboard writes to s3:// and the like too
        return log_dir
    root = absolute(log_dir)
    require_writable(os.path.join(root, "events"), f"TensorBoard(log_dir={log_dir!r})")
    return root


def _is_whole(value: Any) -> bool:
    """Whether it is a whole number. True is one for Python, but not for a person."""
    return hasattr(value, "__index__") and not isinstance(value, bool) and not _has_axes(value)


def _has_axes(value: Any) -> bool:
    return bool(getattr(value, "shape", ()))


def _wrong(argument: str, value: Any, wanted: str) -> ArgumentError:
    meant, types = _IN_KERAS_3.get(argument, ("", ()))
    place = ""
    if isinstance(value, types):
        place = (
            f" Without names, arguments have the order of Keras 2; Keras 3 has {meant} in this "
            f"place. Write {meant}={value!r} if you mean that."
        )
    return ArgumentError(f"TensorBoard({argument}={value!r}): {argument} is {wanted}.{place}")


def warn_of_what_has_no_effect(board: Any) -> None:
    """Warn of arguments that say what to write, if another says that it is never written."""
    for how_often, arguments in _HOW_OFTEN.items():
        asked = [name for name in arguments if _is_set(getattr(board, name))]
        if asked and not getattr(board, how_often):
            warn(
                f"TensorBoard({', '.join(f'{name}=...' for name in asked)}): written only with "
                f"{how_often}, and that is 0. Give {how_often}=1 for every epoch."
            )


def require_local_folder(board: Any) -> None:
    """Check that `log_dir` is a local folder if files are asked for that onfit writes itself.

    TensorBoard's own writer, which writes the event files, can write to other places too.

    Raises:
        ArgumentError: if it is not.
    """
    for argument in ("embeddings_freq", "profile_batch"):
        asked = getattr(board, argument)
        if asked and "://" in board.log_dir:
            raise ArgumentError(
                f"TensorBoard(log_dir={board.log_dir!r}, {argument}={asked!r}): this is written "
                "to folders of this machine only. Give one as log_dir, or leave it out."
            )


def _is_set(value: Any) -> bool:
    """Whether an argument asks for something; an array does, even an empty one."""
    return value is not None and not (isinstance(value, int | str | list | dict) and not value)
