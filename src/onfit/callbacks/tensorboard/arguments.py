"""Checks of TensorBoard's arguments that depend on each other."""

import warnings
from typing import Any

from onfit.errors import ArgumentError, OnfitWarning

# For each argument that says how often to write: the arguments that say what to write then.
_HOW_OFTEN = {
    "histogram_freq": ("write_grads", "write_images"),
    "embeddings_freq": ("embeddings_layer_names", "embeddings_metadata", "embeddings_data"),
}


def frequency(argument: str, epochs: int) -> int:
    """A number of epochs.

    Raises:
        ArgumentError: if it is below 0.
    """
    if epochs < 0:
        raise ArgumentError(
            f"TensorBoard({argument}={epochs!r}): it is a number of epochs; 0 is never."
        )
    return epochs


def warn_of_what_has_no_effect(board: Any) -> None:
    """Warn of arguments that say what to write, if another says that it is never written."""
    for how_often, arguments in _HOW_OFTEN.items():
        asked = [name for name in arguments if _is_set(getattr(board, name))]
        if asked and not getattr(board, how_often):
            warnings.warn(
                f"TensorBoard({', '.join(f'{name}=...' for name in asked)}): written only with "
                f"{how_often}, and that is 0. Give {how_often}=1 for every epoch.",
                OnfitWarning,
                stacklevel=3,
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
