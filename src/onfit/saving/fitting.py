"""The weights of a file put in their places in a model: all of them, or none."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from onfit.errors import FileFormatError
from onfit.layers.wrappers import put
from onfit.saving.contents import Arrays, Contents, Declared
from onfit.saving.keras_order import weights_of
from onfit.saving.names import by_layer, numbered_names, shared_names

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

Tensors = list[tuple[str, Tensor]]
Named = Mapping[str, Tensor]  # a model's `named_weights`
Pairs = list[tuple[Tensor, Declared]]

# What DataParallel, DistributedDataParallel and torch.compile put before every name of a weight.
_WRAPPERS = ("module.", "_orig_mod.")

# An error shows at most so many layers of a model, since a large model has hundreds.
_LAYERS_SHOWN = 20


# --- values ----------------------------------------------------------------------------------


def put_all(pairs: Pairs, contents: Contents, asked: str) -> None:
    """Copy each weight of a file into its tensor, once all of them are read and can be copied.

    Raises:
        FileFormatError: if one cannot; nothing is changed then.
    """
    values = [(tensor, value_for(tensor, declared, asked)) for tensor, declared in pairs]
    contents.check()
    for tensor, value in values:
        put(tensor, value)


def value_for(tensor: Tensor, declared: Declared, asked: str) -> Tensor:
    """The numbers of a weight in a file, if they can be copied into `tensor`.

    Raises:
        FileFormatError: if they are damaged, or of a kind that it cannot hold.
    """
    read = declared.read()
    try:
        value = torch.as_tensor(read)
    except TypeError as error:
        raise FileFormatError(
            f"{asked}: a weight in it has numbers of type {read.dtype}, which torch does not know. "
            "Write it as float32."
        ) from error
    if value.is_complex() and not tensor.is_complex():
        raise FileFormatError(
            f"{asked}: a weight of shape {tuple(value.shape)} is complex in the file and real in "
            "the model; nothing is changed. Load it into a model of complex weights, or save the "
            "real part alone."
        )
    if value.layout is not torch.strided and value.layout is not tensor.layout:
        raise FileFormatError(
            f"{asked}: a weight in it is of layout {value.layout}, and here it is dense. Save it "
            "after .to_dense()."
        )
    return value


# --- all of them -----------------------------------------------------------------------------


def put_in(model: "Model", contents: Contents, asked: str) -> None:
    """Copy the weights of a file, under names of any kind, into the model's own tensors.

    Layers are matched by name if both sides have the same names, else by order; so are the
    weights of a layer.

    Raises:
        FileFormatError: if they do not fit; nothing is changed then.
    """
    put_all(fitting(model, contents, asked), contents, asked)


def fitting(model: "Model", contents: Contents, asked: str) -> Pairs:
    """Each of the model's tensors with the weight of a file that goes into it; errors are those of
    `put_in`.
    """
    named = dict(model.named_weights())
    if contents.numbered:
        saved = by_layer(model, _named_by_number(model, named, contents.numbered, asked))
    elif contents.named:
        saved = by_layer(model, _named_by_name(model, named, contents, asked))
    else:
        saved = contents.layers
    pairs = _pairs(by_layer(model, weights_of(model, named)), saved)
    if pairs is None:
        raise _do_not_fit(model, named, saved, asked)
    return pairs


def _named_by_number(
    model: "Model", named: Named, numbered: Mapping[str, Sequence[Declared]], asked: str
) -> dict[str, Declared]:
    """The values of a file that numbers its weights, by the model's names."""
    mine = numbered_names(model, named)
    saved = {path: v for path, v in numbered.items() if path in mine or not is_training(path)}
    if saved.keys() != mine.keys():
        raise FileFormatError(
            f"{asked}: the file has weights of {_paths(saved)}; {model.described} has those of "
            f"{_paths(mine)}. Load it into a model of the same layers."
        )
    found = {}
    for path, values in saved.items():
        names = mine[path]
        for index, value in enumerate(values):  # one too many gets a name that does not fit
            found[names[index] if index < len(names) else f"{names[0]}.{index}"] = value
    return found


def is_training(path: str) -> bool:
    """Whether a path leads to something that Keras keeps beside weights: generators, metrics,
    slots.
    """
    parts = path.split("/")
    return parts[0] == "optimizer" or parts[0][:1] == "_" or parts[-1] == "seed_generator"


def _paths(paths: Iterable[str]) -> str:
    shown = [path.removeprefix("layers/") for path in sorted(paths)]
    more = len(shown) - _LAYERS_SHOWN
    shown[_LAYERS_SHOWN:] = [f"{more} more"] if more > 0 else []
    return ", ".join(shown) or "no layer"


def _named_by_name(
    model: "Model", named: Named, contents: Contents, asked: str
) -> dict[str, Declared]:
    found = names_of_model(model, named, contents, asked)
    if found.keys() != named.keys():
        raise _do_not_fit(model, named, by_layer(model, found), asked)
    return found


def names_of_model(
    model: "Model", named: Named, contents: Contents, asked: str
) -> dict[str, Declared]:
    """The weights of a file that has torch's names, by the model's names.

    Further names that either side has for a shared weight are known too. What a wrapper around
    the net put before every name is left out, unless the model's names begin so.

    Raises:
        FileFormatError: if the file has different numbers for what is one weight here.
    """
    shared = shared_names(model, named)
    values: Mapping[str, Declared] = contents.named
    for prefix in _WRAPPERS:
        if not any(name.startswith(prefix) for name in named):
            values = _without(prefix, values)
    found: dict[str, Declared] = {}
    for name, value in values.items():
        kept = shared.get(name, name)
        if kept in found and not _equal(found[kept], value):
            raise FileFormatError(
                f"{asked}: the file has other numbers under {name!r} than under another name of "
                f"the same weight; {model.described} shares that weight as {kept!r}. Load it into "
                "a model that does not share it."
            )
        found[kept] = value
    # Weights that were one where the file comes from may be several here.
    more = {name: contents.named[kept] for name, kept in contents.also.items() if name in named}
    return {**more, **found}


def _equal(one: Declared, other: Declared) -> bool:
    if one.shape != other.shape:
        return False
    a, b = torch.as_tensor(one.read()), torch.as_tensor(other.read())
    both_nan = torch.isnan(a) & torch.isnan(b)
    return bool(((a == b) | both_nan).all())


def _without(prefix: str, values: Mapping[str, Declared]) -> Mapping[str, Declared]:
    """The values by names without `prefix`, if all names begin with it."""
    if not all(name.startswith(prefix) for name in values):
        return values
    return {name.removeprefix(prefix): value for name, value in values.items()}


def _do_not_fit(
    model: "Model", named: Named, saved: Mapping[str, Arrays], asked: str
) -> FileFormatError:
    mine = by_layer(model, weights_of(model, named))
    return FileFormatError(
        f"{asked}: these weights do not fit {model.described}; nothing is changed.\n"
        f"  It has:       {_listed(mine)}\n"
        f"  The file has: {_listed(saved)}\n"
        "Load them into a model of the same layers."
    )


def _pairs(mine: Mapping[str, Tensors], saved: Mapping[str, Arrays]) -> Pairs | None:
    """Each tensor with the array that goes into it; None if an array does not fit."""
    if len(mine) != len(saved):
        return None
    pairs = []
    for tensors, arrays in matched(list(mine.items()), list(saved.items())):
        if len(tensors) != len(arrays):
            return None
        pairs += matched(tensors, arrays)
    fits = all(tensor.shape == tuple(value.shape) for tensor, value in pairs)
    return pairs if fits else None


def matched(mine: Any, saved: Any) -> list[tuple[Any, Any]]:
    """Pairs of the items that belong together in two equally long lists of (name, item)."""
    by_name = dict(saved)
    if by_name.keys() == dict(mine).keys():
        return [(item, by_name[name]) for name, item in mine]
    return [(item, other) for (_, item), (_, other) in zip(mine, saved, strict=True)]


def _listed(layers: Mapping[str, Sequence[tuple[str, Any]]]) -> str:
    shown = [
        f"{layer}: " + ", ".join(f"{name} {tuple(value.shape)}" for name, value in weights)
        for layer, weights in islice(layers.items(), _LAYERS_SHOWN)
    ]
    more = len(layers) - _LAYERS_SHOWN
    return "; ".join(shown + ([f"and {more} layers more"] if more > 0 else [])) or "no weights"
