"""Weights and optimizer slots as arrays, and arrays put back into them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from onfit.errors import FileFormatError
from onfit.layers.wrappers import divided_like, put, whole
from onfit.optimizers import Optimizer
from onfit.saving.contents import Arrays, Contents, Value
from onfit.saving.keras_order import trainables_of, weights_of
from onfit.saving.names import by_layer, numbered_names, shared_names

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

Tensors = list[tuple[str, Tensor]]
Named = Mapping[str, Tensor]  # a model's `named_weights`

# What DataParallel, DistributedDataParallel and torch.compile put before every name of a weight.
_WRAPPERS = ("module.", "_orig_mod.")

# An error shows at most so many layers of a model, since a large model has hundreds.
_LAYERS_SHOWN = 20


# --- weights ---------------------------------------------------------------------------------


def put_in(model: "Model", contents: Contents, asked: str) -> None:
    """Copy the weights of a file, under names of any kind, into the model's own tensors.

    Layers are matched by name if both sides have the same names, else by order; so are the
    weights of a layer.

    Raises:
        FileFormatError: if they do not fit; nothing is changed then.
    """
    named = dict(model.named_weights())
    if contents.numbered:
        saved = by_layer(_named_by_number(model, named, contents.numbered, asked))
    elif contents.named:
        saved = by_layer(_named_by_name(model, named, contents, asked))
    else:
        saved = contents.layers
    pairs = _pairs(by_layer(weights_of(model, named)), saved)
    if pairs is None:
        raise _do_not_fit(model, named, saved, asked)
    _require_real(pairs, asked)
    for tensor, value in pairs:
        put(tensor, value)


def _require_real(pairs: Sequence[tuple[Tensor, Value]], asked: str) -> None:
    """Check that no complex numbers meet real weights, which would lose their imaginary parts.

    Raises:
        FileFormatError: if some do.
    """
    lost = [t for t, value in pairs if _is_complex(value) and not t.is_complex()]
    if lost:
        raise FileFormatError(
            f"{asked}: a weight of shape {tuple(lost[0].shape)} is complex in the file and real in "
            "the model; nothing is changed. Load it into a model of complex weights, or save the "
            "real part alone."
        )


def _is_complex(value: Value) -> bool:
    return value.is_complex() if isinstance(value, Tensor) else np.iscomplexobj(value)


def _named_by_number(
    model: "Model", named: Named, numbered: Mapping[str, Sequence[Value]], asked: str
) -> dict[str, Value]:
    """The values of a file that numbers its weights, by the model's names."""
    mine = numbered_names(model, named)
    saved = {path: v for path, v in numbered.items() if path in mine or not _is_training(path)}
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


def _is_training(path: str) -> bool:
    """Whether a path leads to something that Keras keeps beside weights: generators, metrics,
    slots.
    """
    parts = path.split("/")
    return parts[0] == "optimizer" or parts[0][:1] == "_" or parts[-1] == "seed_generator"


def _paths(paths: Iterable[str]) -> str:
    return ", ".join(path.removeprefix("layers/") for path in sorted(paths)) or "no layer"


def _named_by_name(
    model: "Model", named: Named, contents: Contents, asked: str
) -> dict[str, Value]:
    """The values of a file that has torch's names, by the model's names.

    Further names that either side has for a shared weight are known too. What a wrapper around
    the net put before every name is left out, unless the model's names begin so.
    """
    shared = shared_names(model, named)
    values: Mapping[str, Value] = contents.named
    for prefix in _WRAPPERS:
        if not any(name.startswith(prefix) for name in named):
            values = _without(prefix, values)
    found: dict[str, Value] = {}
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
    found = {**more, **found}
    if found.keys() != named.keys():
        raise _do_not_fit(model, named, by_layer(found), asked)
    return found


def _equal(one: Value, other: Value) -> bool:
    one, other = torch.as_tensor(one), torch.as_tensor(other)
    if one.shape != other.shape:
        return False
    both_nan = torch.isnan(one) & torch.isnan(other)
    return bool(((one == other) | both_nan).all())


def _without(prefix: str, values: Mapping[str, Value]) -> Mapping[str, Value]:
    """The values by names without `prefix`, if all names begin with it."""
    if not all(name.startswith(prefix) for name in values):
        return values
    return {name.removeprefix(prefix): value for name, value in values.items()}


def _do_not_fit(
    model: "Model", named: Named, saved: Mapping[str, Arrays], asked: str
) -> FileFormatError:
    mine = by_layer(weights_of(model, named))
    return FileFormatError(
        f"{asked}: these weights do not fit {model.described}; nothing is changed.\n"
        f"  It has:       {_listed(mine)}\n"
        f"  The file has: {_listed(saved)}\n"
        "Load them into a model of the same layers."
    )


def _pairs(
    mine: Mapping[str, Tensors], saved: Mapping[str, Arrays]
) -> list[tuple[Tensor, Value]] | None:
    """Each tensor with the array that goes into it; None if an array does not fit."""
    if len(mine) != len(saved):
        return None
    pairs = []
    for tensors, arrays in _matched(list(mine.items()), list(saved.items())):
        if len(tensors) != len(arrays):
            return None
        pairs += _matched(tensors, arrays)
    fits = all(tensor.shape == tuple(value.shape) for tensor, value in pairs)
    return pairs if fits else None


def _matched(mine: Any, saved: Any) -> list[tuple[Any, Any]]:
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


# --- the optimizer ---------------------------------------------------------------------------


def optimizer_arrays(
    model: "Model", optimizer: Optimizer, named: Named, keep: Callable[[str, Tensor], Tensor]
) -> Arrays:
    """Keras' optimizer variables: steps, learning rate, and the slots of the weights that train.

    The optimizer is built first, as its next step would build it: new weights have slots of zeros.

    Args:
        model: the model that the optimizer trains.
        optimizer: the optimizer.
        named: the model's `named_weights`.
        keep: gives, for a name and a slot, the tensor to hold on to.
    """
    params = _trainables(model)
    optimizer.build(params)
    names = {id(tensor): name.replace(".", "_") for name, tensor in named.items()}
    slots = [
        (name, keep(f"optimizer/{name}", whole(optimizer.slots[slot][i])))
        for slot, i in _slot_order(model, optimizer)
        for name in [f"{model.name}_{names[id(params[i])]}_{slot}"]
    ]
    first = [("iteration", np.array(optimizer.batches))]
    if optimizer.schedule is None:
        first.append(("learning_rate", np.array(optimizer.learning_rate, dtype=np.float32)))
    last = [(name, np.array(value, np.float32)) for name, value in optimizer.scalars.items()]
    return [(f"{optimizer.name}/{name}", value) for name, value in [*first, *slots, *last]]


def restore_optimizer(model: "Model", optimizer: Optimizer, saved: Arrays) -> bool:
    """Build the optimizer and give it a saved state.

    It returns False, and the optimizer stays fresh, if the state is not one of such an optimizer.

    The learning rate comes from the configuration, where it has all its digits, and the scalars
    from the number of steps.
    """
    optimizer.build(_trainables(model))
    order = _slot_order(model, optimizer)
    first = 1 if optimizer.schedule is not None else 2
    shapes = [tuple(optimizer.slots[slot][i].shape) for slot, i in order]
    expected = [*[()] * first, *shapes, *[()] * len(optimizer.scalars)]
    values = [value for _, value in saved]
    if [tuple(value.shape) for value in values] != expected:
        return False
    slots = {
        (slot, i): divided_like(torch.as_tensor(value), optimizer.slots[slot][i])
        for (slot, i), value in zip(order, values[first:], strict=False)
    }
    own_order = [(slot, i) for i in range(len(optimizer.params)) for slot in optimizer.slots]
    optimizer.load_state(int(values[0]), [slots[place] for place in own_order])
    return True


def _slot_order(model: "Model", optimizer: Optimizer) -> list[tuple[str, int]]:
    """Slot names and indices of parameters, in the order in which Keras makes the variables."""
    places = {id(param): index for index, param in enumerate(optimizer.params)}
    return optimizer.slot_order([places[id(param)] for param in trainables_of(model)])


def _trainables(model: "Model") -> list[Tensor]:
    return [param for param in model.parameters() if param.requires_grad]
