"""`.safetensors`: the weights alone, by the names that torch has for them.

`net.load_state_dict(safetensors.torch.load_file(path))` reads what `Model(net)` wrote. A weight
that several layers share is there once; the metadata has its further names.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from torch import Tensor

from onfit.errors import MissingPackageError
from onfit.saving.contents import Contents
from onfit.saving.files import reading
from onfit.saving.layout import NOTES

_KIND = "safetensors file"
# The key of the metadata that holds the further names of shared weights, as JSON.
_SHARED = "onfit_shared"


def write(path: Path, contents: Contents) -> None:
    """Write the weights alone, each in its own type."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    metadata = {"format": "pt"}
    if contents.also:
        metadata[_SHARED] = json.dumps(contents.also)
    if contents.notes is not None:
        metadata[NOTES] = contents.notes
    mode = path.stat().st_mode
    try:
        save_file(_apart(contents.named), path, metadata)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    path.chmod(mode & 0o777)  # the library may have put a new file there


def _apart(named: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as the format takes them: each in one piece, and no two in the same memory."""
    places: set[tuple[int, int]] = set()
    apart = {}
    for name, tensor in named.items():
        own = tensor.contiguous()
        place = (own.data_ptr(), own.numel())
        apart[name] = own.clone() if place in places else own
        places.add(place)
    return apart


def read(path: str, asked: str) -> Contents:
    """Read the weights.

    Raises:
        StorageError: if there is no such file.
        FileFormatError: if it is damaged, or holds something else.
        MissingPackageError: if the library is not installed.
    """
    with _opened(path, asked) as file:
        named = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata() or {}
        return Contents(named=named, also=json.loads(metadata.get(_SHARED, "{}")))


def read_notes(path: str, asked: str) -> str | None:
    """The notes in it; errors are those of `read`."""
    with _opened(path, asked) as file:
        notes: str | None = (file.metadata() or {}).get(NOTES)
        return notes


@contextmanager
def _opened(path: str, asked: str) -> Iterator[Any]:
    require(f"{asked}({path!r})")
    from safetensors import SafetensorError, safe_open

    with reading(path, asked, _KIND):
        try:
            with safe_open(path, framework="pt", device="cpu") as file:
                yield file
        except SafetensorError as error:
            raise ValueError(error) from error


def require(asked: str) -> None:
    """Check that the library is installed, without importing it.

    Raises:
        MissingPackageError: if it is not installed.
    """
    if find_spec("safetensors") is None:
        raise MissingPackageError(
            f"{asked}: .safetensors files need the safetensors library, which is not installed. "
            'Install it with: pip install "onfit[safetensors]"',
            name="safetensors",
        )
