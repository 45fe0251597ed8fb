"""`.safetensors`: the weights alone, by the names that torch has for them.

`net.load_state_dict(safetensors.torch.load_file(path))` reads what `Model(net)` wrote. A weight
that several layers share is there once; the metadata has its further names.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from onfit.errors import MissingPackageError
from onfit.saving.contents import Config, Contents, Declared
from onfit.saving.files import parsing, require_readable
from onfit.saving.layout import NOTES
from onfit.storage.foreign import read_json
from onfit.storage.sums import checksum
from onfit.storage.trees import as_bytes, from_bytes

_KIND = "safetensors file"
# The key of the metadata that holds the further names of shared weights, as JSON.
_SHARED = "onfit_shared"
# The key of what modules keep beside weights, as the bytes of a `storage.trees`, in hex.
_OWN = "onfit_own"
# Those of the checksums of the weights by name, as JSON, and of the checksum of all metadata.
_SUMS, _SUM = "onfit_sums", "onfit_sum"


def write(path: Path, contents: Contents) -> None:
    """Write the weights alone, each in its own type."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    metadata = {"format": "pt"}
    if contents.also:
        metadata[_SHARED] = json.dumps(contents.also)
    if contents.notes is not None:
        metadata[NOTES] = contents.notes
    if own := contents.own():
        metadata[_OWN] = as_bytes(own).hex()
    named = _apart(contents.named)
    metadata[_SUMS] = json.dumps({name: _sum(name, named[name]) for name in named})
    metadata[_SUM] = str(_sum_of_texts(metadata))
    mode = path.stat().st_mode
    try:
        save_file(named, path, metadata)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    path.chmod(mode & 0o777)  # the library may have put a new file there


def _sum(name: str, tensor: Tensor) -> int:
    """The checksum of a weight: of its name, its type, its shape and its numbers."""
    plain = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    said = f"{name} {tensor.dtype} {tuple(tensor.shape)}"
    return checksum(plain.numpy()) ^ checksum(said.encode())


def _sum_of_texts(metadata: Mapping[str, str]) -> int:
    """The checksum of the metadata but this one."""
    texts = sorted(pair for pair in metadata.items() if pair[0] != _SUM)
    return checksum(json.dumps(texts).encode())


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


@contextmanager
def opened(path: str, asked: str) -> Iterator[Contents]:
    """Give the weights.

    Raises:
        StorageError: if there is no such file.
        FileFormatError: if it is damaged, or holds something else.
        MissingPackageError: if the library is not installed.
    """
    with ExitStack() as stack:
        with _parsing(path, asked):
            file = stack.enter_context(_file(path, asked))
            metadata = file.metadata() or {}
            sums = _sums_in(metadata)
            named = {name: _declared(name, file, sums, path, asked) for name in file.keys()}  # noqa: SIM118
            also = _further_names(metadata.get(_SHARED, "{}"), named)
            own = _own(metadata.get(_OWN, ""))
        yield Contents(named=named, also=also, own=lambda: own)


def _own(text: str) -> Config:
    return from_bytes(bytes.fromhex(text)) if text else {}


def _sums_in(metadata: Mapping[str, str]) -> dict[str, int] | None:
    """The checksums of the weights; None in a file of another program.

    Raises:
        ValueError: if the metadata are not as they were written.
    """
    if _SUM not in metadata and _SUMS not in metadata:
        return None
    if metadata.get(_SUM) != str(_sum_of_texts(metadata)):
        raise ValueError("its metadata are not as they were written")
    sums: dict[str, int] = read_json(metadata[_SUMS], _SUMS)
    return sums


def _declared(
    name: str, file: Any, sums: Mapping[str, int] | None, path: str, asked: str
) -> Declared:
    def read() -> Tensor:
        with _parsing(path, asked):
            tensor: Tensor = file.get_tensor(name)
            if sums is not None and sums[name] != _sum(name, tensor):
                raise ValueError(f"weight {name!r} is not as it was written")
            return tensor

    return Declared(tuple(file.get_slice(name).get_shape()), read)


def _further_names(text: str, named: Mapping[str, Any]) -> dict[str, str]:
    also = read_json(text, _SHARED)
    if not isinstance(also, dict) or not all(kept in named for kept in map(str, also.values())):
        raise ValueError(f"its {_SHARED} does not say which names are one weight's")
    return also


def read_notes(path: str, asked: str) -> str | None:
    """The notes in it; errors are those of `opened`."""
    with _parsing(path, asked), _file(path, asked) as file:
        notes: str | None = (file.metadata() or {}).get(NOTES)
        return notes


def _file(path: str, asked: str) -> Any:
    from safetensors import safe_open

    require_readable(path, asked)
    return safe_open(path, framework="pt", device="cpu")


@contextmanager
def _parsing(path: str, asked: str) -> Iterator[None]:
    require(f"{asked}({path!r})")
    from safetensors import SafetensorError

    with parsing(path, asked, _KIND):
        try:
            yield
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
