"""`.pt`, `.pth`, `.ckpt`: a state dict, as torch users keep one.

`net.load_state_dict(torch.load(path, weights_only=True))` reads what `Model(net)` wrote. Nothing
but tensors and their names is in the dict; notes are a further member of the zip archive that
torch writes, which torch passes over.
"""

import io
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pickle import PROTO, UnpicklingError
from typing import Any

import torch
from torch import Tensor

from onfit.errors import FileFormatError, warn
from onfit.saving.contents import Contents, Declared
from onfit.saving.files import parsing, reading
from onfit.saving.formats.pickled import look_through
from onfit.saving.layout import NOTES
from onfit.storage.archives import read_member, sound_info

_KIND = "file of torch.save"
_EXTRA = "_extra_state"  # torch's word for it


def write(path: Path, contents: Contents) -> None:
    """Write the weights alone, in the machine's memory, each in its own type and once.

    A weight that several layers share is there under each of its names, as in a state dict.
    """
    own = {name: _alone(tensor) for name, tensor in contents.named.items()}
    shared = {name: own[kept] for name, kept in contents.also.items()}
    extra = _extra_states(contents.own().get("extra_states", {}))
    # An open file, since torch writes the name of a path into the archive.
    with path.open("wb") as file:
        torch.save({**own, **shared, **extra}, file)
    if contents.notes is not None:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(_member(archive), contents.notes)


def _extra_states(states: Mapping[str, Any]) -> dict[str, Any]:
    """What modules keep beside weights, where torch looks for it in a state dict. What it would not
    read without unpickling objects is left out, and said.
    """
    found = {}
    for path, state in states.items():
        if _is_safe(state):
            found[f"{path}.{_EXTRA}".lstrip(".")] = state
        else:
            warn(
                f"the extra state of module {path!r} has arrays of numpy, which torch.load refuses "
                "with weights_only=True. It is left out; let get_extra_state give tensors."
            )
    return found


def _is_safe(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_safe(item) for pair in value.items() for item in pair)
    if isinstance(value, (list, tuple)):
        return all(map(_is_safe, value))
    return isinstance(value, Tensor) or type(value) in (type(None), bool, int, float, str)


def _alone(tensor: Tensor) -> Tensor:
    """A plain tensor on the CPU; of a part of a larger tensor, that part alone."""
    plain = tensor.detach().cpu().as_subclass(Tensor)
    if plain.layout is not torch.strided:
        return plain
    whole = plain.untyped_storage().nbytes()
    return plain if whole == plain.numel() * plain.element_size() else plain.clone()


def _member(archive: zipfile.ZipFile) -> str:
    """The archive's name for the notes: all of torch's members are in one folder."""
    return f"{_folder(archive)}/{NOTES}"


def _folder(archive: zipfile.ZipFile) -> str:
    return archive.namelist()[0].partition("/")[0]


@contextmanager
def opened(path: str, asked: str) -> Iterator[Contents]:
    """Give the weights. Nothing is unpickled but tensors and plain containers.

    Raises:
        StorageError: if there is no such file.
        FileFormatError: if it is damaged, or holds something else.
    """
    text = f"{asked}({path!r})"
    with reading(path, asked, _KIND):
        try:
            (_check_archive if _is_archive(path) else _check_older)(path)
            found = torch.load(path, map_location="cpu", weights_only=True)
        except UnpicklingError as error:
            raise _not_plain(text, error) from error
        extra = _taken_extra(found)
        named = _named(found, text)
    declared = {name: _declared(name, named[name], path, asked) for name in named}
    yield Contents(named=declared, own=lambda: {"extra_states": extra})


def _taken_extra(found: Any) -> dict[str, Any]:
    """The extra states in a state dict, by the path of their module: they are taken out of it."""
    if not isinstance(found, dict):
        return {}
    keys = [key for key in found if isinstance(key, str) and key.rpartition(".")[2] == _EXTRA]
    return {key.rpartition(".")[0]: found.pop(key) for key in keys}


def _declared(name: str, tensor: Tensor, path: str, asked: str) -> Declared:
    def read() -> Tensor:
        with parsing(path, asked, _KIND):
            if tensor.is_meta or tensor.is_quantized:
                raise ValueError(f"weight {name!r} holds no plain numbers")
            return tensor

    return Declared(tuple(tensor.shape), read)


def _is_archive(path: str) -> bool:
    """Whether torch takes it for one: it wrote none before version 1.6."""
    with open(path, "rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _check_archive(path: str) -> None:
    """Compare the bytes of each member with its checksum, which torch.load does not look at, and
    those of each storage with what the pickle wants of it.

    Raises:
        BadZipFile: if a byte is another.
        UnpicklingError: if the pickle holds more than tensors and plain containers.
        ValueError: if a member or a tensor is too large to be true.
    """
    with zipfile.ZipFile(path) as archive:
        infos = [sound_info(archive, name) for name in archive.namelist()]
        if archive.comment or sum(info.compress_size for info in infos) > os.path.getsize(path):
            raise zipfile.BadZipFile("its members overlap, or something follows them")
        damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"its {damaged} is not what was written")
        folder = _folder(archive)

        def check(key: str, size: int) -> None:
            if size > archive.getinfo(f"{folder}/data/{key}").file_size:
                raise ValueError(f"a weight of it has less than the {size} bytes it should have")

        look_through(io.BytesIO(read_member(archive, f"{folder}/data.pkl")), check)


def _check_older(path: str) -> None:
    """The same for a file that is no archive: pickles, and then the numbers of each storage."""
    left = os.path.getsize(path)
    known: set[str] = set()

    def check(key: str, size: int) -> None:
        nonlocal left
        left -= 0 if key in known else size
        known.add(key)
        if left < 0:
            raise ValueError("its weights are larger than the file")

    with open(path, "rb") as file:
        # A magic number, a version and what machine wrote it; the state dict; the storages' keys.
        for _ in range(5):
            look_through(file, check)


def read_notes(path: str, asked: str) -> str | None:
    """The notes in it; errors are those of `opened`."""
    with reading(path, asked, _KIND), open(path, "rb") as file:
        if file.read(1) == PROTO:  # torch wrote no archives before version 1.6
            return None
        with zipfile.ZipFile(file) as archive:
            name = _member(archive)
            return read_member(archive, name).decode() if name in archive.namelist() else None


def _named(found: Any, asked: str) -> dict[str, Tensor]:
    """The tensors of a state dict by name."""
    others = _others(found)
    if others is None:
        raise FileFormatError(
            f"{asked}: it holds a {type(found).__name__}, and no state dict. Save one: "
            "torch.save(net.state_dict(), path)."
        )
    if others:
        raise FileFormatError(f"{asked}: {_beside_tensors(found, others)}")
    return {name: tensor.detach() for name, tensor in found.items()}


def _others(found: Any) -> list[str] | None:
    """The names in a dict whose values are no tensors; None if it is no dict with names."""
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        return None
    return [name for name, value in found.items() if not isinstance(value, Tensor)]


def _beside_tensors(found: Mapping[str, Any], others: list[str]) -> str:
    inner = [name for name in others if found[name] and _others(found[name]) == []]
    text = (
        "a state dict holds tensors alone, and this file has under "
        f"{others[0]!r} a {type(found[others[0]]).__name__}."
    )
    if not inner:
        return f"{text} Save a state dict: torch.save(net.state_dict(), path)."
    return (
        f"{text} Load the state dict in it: net.load_state_dict(torch.load(path, "
        f"weights_only=True)[{inner[0]!r}])."
    )


def _not_plain(asked: str, error: Exception) -> FileFormatError:
    named = re.search(r"GLOBAL (\S+)", str(error))
    found = f", such as {named[1]}" if named else ""
    return FileFormatError(
        f"{asked}: it is damaged, or holds more than tensors and plain containers{found}, and "
        "reading that could run any code, so nothing of it was read. Save the weights alone: "
        "torch.save(net.state_dict(), path)."
    )
