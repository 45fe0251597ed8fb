"""`.pt`, `.pth`, `.ckpt`: a state dict, as torch users keep one.

`net.load_state_dict(torch.load(path, weights_only=True))` reads what `Model(net)` wrote. Nothing
but tensors and their names is in the dict; notes are a further member of the zip archive that
torch writes, which torch passes over.
"""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import PROTO, UnpicklingError
from typing import Any

import torch
from torch import Tensor

from onfit.errors import FileFormatError
from onfit.saving.contents import Contents
from onfit.saving.files import reading
from onfit.saving.layout import NOTES

_KIND = "file of torch.save"


def write(path: Path, contents: Contents) -> None:
    """Write the weights alone, in the machine's memory, each in its own type and once.

    A weight that several layers share is there under each of its names, as in a state dict.
    """
    own = {name: _alone(tensor) for name, tensor in contents.named.items()}
    shared = {name: own[kept] for name, kept in contents.also.items()}
    # An open file, since torch writes the name of a path into the archive.
    with path.open("wb") as file:
        torch.save({**own, **shared}, file)
    if contents.notes is not None:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(_member(archive), contents.notes)


def _alone(tensor: Tensor) -> Tensor:
    """A plain tensor on the CPU; of a part of a larger tensor, that part alone."""
    plain = tensor.detach().cpu().as_subclass(Tensor)
    if plain.layout is not torch.strided:
        return plain
    whole = plain.untyped_storage().nbytes()
    return plain if whole == plain.numel() * plain.element_size() else plain.clone()


def _member(archive: zipfile.ZipFile) -> str:
    """The archive's name for the notes: all of torch's members are in one folder."""
    folder = archive.namelist()[0].partition("/")[0]
    return f"{folder}/{NOTES}"


def read(path: str, asked: str) -> Contents:
    """Read the weights. Nothing is unpickled but tensors and plain containers.

    Raises:
        StorageError: if there is no such file.
        FileFormatError: if it is damaged, or holds something else.
    """
    with reading(path, asked, _KIND):
        _check_sums(path)
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
        except UnpicklingError as error:
            raise _not_plain(f"{asked}({path!r})", error) from error
    return Contents(named=_named(found, f"{asked}({path!r})"))


def _check_sums(path: str) -> None:
    """Compare the bytes of each member with its checksum, which torch.load does not look at.

    Raises:
        BadZipFile: if a byte is another.
    """
    if zipfile.is_zipfile(path):  # torch wrote no archives before version 1.6
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"its {damaged} is not what was written")


def read_notes(path: str, asked: str) -> str | None:
    """The notes in it; errors are those of `read`."""
    with reading(path, asked, _KIND), open(path, "rb") as file:
        if file.read(1) == PROTO:  # torch wrote no archives before version 1.6
            return None
        with zipfile.ZipFile(file) as archive:
            name = _member(archive)
            return archive.read(name).decode() if name in archive.namelist() else None


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
