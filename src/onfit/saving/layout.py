"""Where the parts of a model stand in an HDF5 file: as Keras has always put them.

    /                           attributes model_config, training_config (JSON)
    /model_weights              attribute layer_names
        /dense                  attribute weight_names
            /sequential/dense/kernel
    /optimizer_weights          attribute weight_names

A file of weights alone has no such groups: what `model_weights` would hold is at its root.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from onfit.errors import FileFormatError
from onfit.saving.contents import Array, Arrays, Contents, Value, as_array
from onfit.saving.names import TOP_LEVEL

# The version of Keras that has this layout. Readers recognise older layouts by it.
KERAS_VERSION = "3.15.1"
_ORIGIN = {"keras_version": KERAS_VERSION, "backend": "torch"}
# HDF5 keeps an attribute in a header of 64 kB; longer lists are spread over several.
_HEADER_LIMIT = 64512
# The attribute of the root that only onfit writes.
NOTES = "onfit_notes"


def write(file: Any, contents: Contents) -> None:
    """Write a whole model into an open, empty `h5py.File`."""
    for key in ("model_config", "training_config"):
        config = getattr(contents, key)
        if config is not None:
            file.attrs[key] = json.dumps(config)
    for key, text in _ORIGIN.items():
        file.attrs[key] = text
    write_layers(file.create_group("model_weights"), contents)
    if contents.optimizer:
        _write_arrays(file.create_group("optimizer_weights"), contents.optimizer)


def write_layers(group: Any, contents: Contents) -> None:
    """Write the weights alone into `group`."""
    for key, text in _ORIGIN.items():
        group.attrs[key] = text
    _write_names(group, "layer_names", [name for name in contents.layers if name != TOP_LEVEL])
    # Sorted, so that a layer "a" is made before one called "a/b", which stands inside it.
    for layer, weights in sorted(contents.layers.items()):
        prefix = f"{contents.name}/{layer}/" if contents.name else ""
        named = [(prefix + name, value) for name, value in weights]
        _write_arrays(group.create_group(layer), named)


def read(file: Any) -> Contents:
    """Read a whole model, or the weights alone, out of an open `h5py.File`.

    Raises:
        FileFormatError: if there are no weights where they should be.
    """
    return Contents(
        layers=_read_layers(file.get("model_weights", file)),
        model_config=_read_json(file, "model_config"),
        training_config=_read_json(file, "training_config"),
        optimizer=_read_arrays(file["optimizer_weights"]) if "optimizer_weights" in file else [],
    )


def _read_layers(group: Any) -> dict[str, Arrays]:
    names = _read_names(group, "layer_names")
    if names is None:
        raise FileFormatError(
            f"{group.file.filename!r} is an HDF5 file, and its 'layer_names' are missing: it "
            "holds no model. Give a file that save or save_weights wrote."
        )
    top = [TOP_LEVEL] if TOP_LEVEL in group else []
    layers = {
        layer: [
            (_own_name(name, layer), value) for name, value in _read_arrays(_inside(group, layer))
        ]
        for layer in [*names, *top]
    }
    return {layer: weights for layer, weights in layers.items() if weights}


def _own_name(weight: str, layer: str) -> str:
    """The layer's own name for a weight: `kernel`, for `sequential/dense/kernel` (Keras 3) or
    `dense/kernel:0` (Keras 2).
    """
    _, _, own = f"/{weight}".partition(f"/{layer}/")
    return (own or weight).removesuffix(":0")


def _write_arrays(group: Any, arrays: Arrays) -> None:
    _write_names(group, "weight_names", [name for name, _ in arrays])
    for name, value in arrays:
        group.create_dataset(name, data=as_array(value))


def _read_arrays(group: Any) -> Arrays:
    names = _read_names(group, "weight_names") or []
    return [(name, read_array(_inside(group, name))) for name in names]


def _inside(group: Any, name: str) -> Any:
    """The item under a name in a group. A link could lead to another, private file: an error."""
    item = group[name]
    if item.file != group.file:
        raise ValueError(f"{group.name}/{name} leads elsewhere")
    return item


def read_array(dataset: Any) -> Value:
    """The numbers of a dataset.

    Raises:
        ValueError: if it holds something else.
    """
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"weight {dataset.name!r} is not in this file but in another")
    if dataset.dtype.kind == "V" and dataset.attrs.get("dtype") == "bfloat16":  # as Keras writes it
        return torch.from_numpy(np.asarray(dataset).view(np.int16)).view(torch.bfloat16)
    if dataset.dtype.kind not in "biufc":
        raise ValueError(
            f"weight {dataset.name!r} holds values of type {dataset.dtype}, not numbers"
        )
    # In the byte order of this machine: the file may come from another kind of machine.
    array: Array = np.asarray(dataset, dtype=dataset.dtype.newbyteorder("="))
    return array


def _write_names(group: Any, key: str, names: Sequence[str]) -> None:
    encoded = np.array([name.encode() for name in names], dtype="S" if names else "S1")
    if encoded.nbytes <= _HEADER_LIMIT:
        group.attrs[key] = encoded
        return
    per_chunk = max(1, _HEADER_LIMIT // encoded.itemsize)
    for index, start in enumerate(range(0, len(encoded), per_chunk)):
        group.attrs[f"{key}{index}"] = encoded[start : start + per_chunk]


def _read_names(group: Any, key: str) -> list[str] | None:
    """The names under `key`, or spread over `key0`, `key1` ...; None if there are neither."""
    if key in group.attrs:
        return [text(name) for name in group.attrs[key]]
    if f"{key}0" not in group.attrs:
        return None
    names: list[str] = []
    index = 0
    while f"{key}{index}" in group.attrs:
        names += [text(name) for name in group.attrs[f"{key}{index}"]]
        index += 1
    return names


def _read_json(file: Any, key: str) -> dict[str, Any] | None:
    if key not in file.attrs:
        return None
    config: dict[str, Any] = json.loads(text(file.attrs[key]))
    return config


def text(value: Any) -> str:
    """A text from HDF5, which keeps texts as bytes or as str."""
    return value.decode() if isinstance(value, bytes) else str(value)
