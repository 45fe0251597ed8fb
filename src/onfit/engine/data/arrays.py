"""Turning what people pass as x, y and weights into tensors that agree with each other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import torch
from torch import Tensor

from onfit.engine.data.numbers import array_of
from onfit.errors import ArgumentError, DataError, did_you_mean
from onfit.layers.shapes import Shape, mapped

Data = Any  # a tensor, or a tuple or dict of them


class Samples(NamedTuple):
    """Inputs, targets and weights of some samples; each a tensor, several of them, or None."""

    x: Data
    y: Data = None
    weight: Data = None


class Names(NamedTuple):
    """What a model calls its inputs and outputs, and the inputs' shapes where it knows them.
    If `inputs` is None, the model gets the inputs in the form in which the caller passes them.
    """

    inputs: Sequence[str] | None = None
    outputs: Sequence[str] = ("output",)
    shapes: Sequence[Shape | None] = ()


_ANY = Names()


def samples_of(
    x: Any, y: Any = None, sample_weight: Any = None, names: Names = _ANY, one_batch: bool = False
) -> Samples:
    """Tensors of arrays that belong together. The inputs of one batch, of which no rows are picked,
    may be sparse.

    Floats become torch's default float type, labels int64. For a model of several inputs or
    outputs, lists and dicts hold one array each; else a list is one array.

    Raises:
        DataError: if they are empty, of different lengths, or hold no numbers.
    """
    samples = converted(x, y, sample_weight, names)
    check_lengths(samples, sparse_inputs=one_batch)
    return samples


def converted(x: Any, y: Any, weight: Any, names: Names) -> Samples:
    """As `samples_of`, but the lengths are not checked."""
    inputs, outputs, shapes = names
    return Samples(
        _with_features(tensors_of(arranged(x, inputs, "x"), "x"), shapes),
        None if y is None else _targets_of(arranged(y, outputs, "y")),
        None if weight is None else _weights_of(weight, outputs),
    )


def _targets_of(y: Any) -> Data:
    """Targets as tensors. Truth values become the numbers 0 and 1, in the same memory: losses and
    metrics subtract targets, and look for the greatest.
    """
    numbers: Data = mapped(_as_number, Tensor, tensors_of(y, "y"))
    return numbers


def _as_number(tensor: Tensor) -> Tensor:
    return tensor.view(torch.uint8) if tensor.dtype is torch.bool else tensor


def _with_features(x: Data, shapes: Sequence[Shape | None]) -> Data:
    """Inputs with a last axis of length 1, if the caller left it out: for a model that takes
    (None, 1), a number per sample is enough.
    """
    if isinstance(x, Tensor):
        shape = shapes[0] if shapes else None
        lacks_axis = shape is not None and shape[-1:] == (1,) and x.ndim == len(shape) - 1
        return x.unsqueeze(-1) if lacks_axis else x
    if isinstance(x, tuple) and len(x) == len(shapes):
        return tuple(_with_features(*pair) for pair in zip(x, [[s] for s in shapes], strict=True))
    return x


def _weights_of(weight: Any, outputs: Sequence[str]) -> Data:
    """Weights as floats: one tensor, or a tuple with one for each of several outputs. The weights
    of an output that is left out, or None, are ones.
    """
    if isinstance(weight, Mapping):
        for name in weight.keys() - set(outputs):
            raise DataError(
                f"sample_weight is a dict of {', '.join(map(str, weight))}; the model's outputs "
                f"are {', '.join(outputs)}.{did_you_mean(name, outputs)}"
            )
        weight = {**dict.fromkeys(outputs), **weight}
    if len(outputs) > 1 and _one_each(weight):
        found = tensors_of(arranged(weight, outputs, "sample_weight"), "sample_weight")
        samples = max((len(part) for part in found if part is not None), default=0)
        ones = torch.ones(samples)
        return tuple(ones if part is None else part.float() for part in found) if samples else None
    return tensor_of(arranged(weight, outputs[:1], "sample_weight"), "sample_weight").float()


def _one_each(weight: Any) -> bool:
    """Whether there is something for each output, rather than a number for each sample."""
    if isinstance(weight, (list, tuple)):
        return all(part is None or hasattr(part, "__len__") for part in weight)
    return isinstance(weight, Mapping)


def arranged(data: Any, names: Sequence[str] | None, argument: str) -> Any:
    """The arrays for several inputs or outputs as a tuple in the model's order.

    Raises:
        DataError: if there are more or fewer of them, or a dict lacks a name.
    """
    if names is None:
        return tuple(data) if _lists_arrays(data) else _as_dict(data)
    if isinstance(data, Mapping):
        missing = [name for name in names if name not in data]
        if missing:
            raise DataError(
                f"{argument} is a dict of {', '.join(map(str, data))}; the model's "
                f"{'inputs' if argument == 'x' else 'outputs'} are {', '.join(names)}."
                f"{did_you_mean(missing[0], map(str, data))}"
            )
        data = tuple(data[name] for name in names)
        return data if len(names) > 1 else data[0]
    if len(names) > 1:
        if not isinstance(data, (list, tuple)) or len(data) != len(names):
            found = f"{len(data)} things" if isinstance(data, (list, tuple)) else "one array"
            raise DataError(
                f"{argument} must hold an array for each of {', '.join(names)}; got {found}. "
                "Pass a list of arrays, or a dict by these names."
            )
        return tuple(data)
    one = isinstance(data, (list, tuple)) and len(data) == 1 and _is_array(data[0])
    if isinstance(data, tuple) and not one:
        return list(data)  # rows; a tuple would be taken for several inputs or outputs
    return data[0] if one else data


def _as_dict(data: Any) -> Any:
    """A dict of any Mapping, such as those that tokenizers return."""
    return dict(data) if isinstance(data, Mapping) else data


def _lists_arrays(data: Any) -> bool:
    """Whether a list is one of whole arrays rather than of numbers."""
    return isinstance(data, list) and bool(data) and all(_is_array(item) for item in data)


def _is_array(item: Any) -> bool:
    return getattr(item, "ndim", 0) > 0


def tensors_of(data: Any, name: str) -> Data:
    """A tensor of an array; a tuple or dict of tensors of a tuple or dict of arrays. A None in a
    tuple stays None.
    """
    if isinstance(data, tuple):
        return tuple(
            None if part is None else tensor_of(part, f"{name}[{index}]")
            for index, part in enumerate(data)
        )
    if isinstance(data, dict):
        return {key: tensor_of(part, f"{name}[{key!r}]") for key, part in data.items()}
    return tensor_of(data, name)


def tensor_of(data: Any, name: str = "x") -> Tensor:
    """A tensor of an array, a list of numbers, a pandas object or a tensor. It shares memory with
    them where that is possible.
    """
    if not isinstance(data, Tensor):
        data = torch.from_numpy(array_of(data, name))
    return standard(data)


def standard(tensor: Tensor) -> Tensor:
    """Floats in torch's default type, labels as int64. Bytes (images) stay bytes: layers convert
    them.
    """
    if tensor.is_floating_point():
        return tensor if tensor.dtype in _HALVES else tensor.to(torch.get_default_dtype())
    if tensor.dtype in (torch.int32, torch.int16, torch.int8):
        return tensor.long()
    return tensor


# The user chose half precision, so it stays; doubles are only numpy's default.
_HALVES = (torch.float16, torch.bfloat16)


def parts(data: Data) -> tuple[Tensor, ...]:
    """The tensors that `data` is made of."""
    if data is None:
        return ()
    if isinstance(data, dict):
        return tuple(data.values())
    return data if isinstance(data, tuple) else (data,)


def length(samples: Samples) -> int:
    """How many samples there are."""
    found = parts(samples.x)
    if not found:
        raise DataError("x holds no array: there is nothing to work on. Pass one row per sample.")
    return len(found[0])


def check_lengths(samples: Samples, sparse_inputs: bool = False) -> None:
    """Check that there are samples, with as many inputs as targets and weights.

    Raises:
        DataError: if not.
    """
    named = [
        (f"{name}{f'[{index}]' if isinstance(data, (tuple, dict)) else ''}", part)
        for name, data in (("x", samples.x), ("y", samples.y), ("sample_weight", samples.weight))
        for index, part in enumerate(parts(data))
    ]
    for name, part in named:
        if part is None:
            raise DataError(f"{name} is None: pass an array for each input and output.")
        may_be_sparse = sparse_inputs and name.startswith("x")
        if part.is_meta or not (may_be_sparse or part.layout is torch.strided):
            raise DataError(
                f"{name} is a {'meta' if part.is_meta else 'sparse'} tensor; training takes dense "
                "ones with numbers in them. Pass an array, or tensor.to_dense()."
            )
        if part.ndim == 0:
            raise DataError(f"{name} is a single number; training takes one row per sample.")
    lengths = {len(part) for _, part in named}
    listed = ", ".join(f"{name} has {len(part)} samples" for name, part in named)
    if len(lengths) > 1:
        raise DataError(f"x, y and weights must be of one length: {listed}.")
    if lengths == {0}:
        raise DataError(f"there is nothing to work on: {listed}.")


def split(samples: Samples, fraction: float) -> tuple[Samples, Samples]:
    """Cut off the last `fraction` of the samples, in the order they came, for validation.

    Raises:
        ArgumentError: if `fraction` is not between 0 and 1, or leaves one side empty.
    """
    kept = kept_of(length(samples), fraction)
    return rows(samples, slice(None, kept)), rows(samples, slice(kept, None))


def kept_of(total: int, fraction: float) -> int:
    """How many of `total` samples are left to train on when `fraction` of them is cut off."""
    if not 0 < fraction < 1:
        raise ArgumentError(
            f"validation_split={fraction!r}: the share of the samples to validate on, "
            "between 0 and 1."
        )
    kept = int(total * (1.0 - fraction))
    if kept in (0, total):
        raise ArgumentError(
            f"validation_split={fraction!r} of {total} samples leaves {kept} to train on and "
            f"{total - kept} to validate on; both need at least one."
        )
    return kept


def rows(samples: Samples, which: slice) -> Samples:
    """Some of the samples; views, not copies."""
    return each(lambda tensor: tensor[which], samples)


def cut(samples: Samples, size: int) -> Iterator[Samples]:
    """The samples in pieces of `size`, the last of which may be smaller; views, not copies."""
    if not all(data is None or isinstance(data, Tensor) for data in samples):
        starts = range(0, length(samples), size)
        return (rows(samples, slice(start, start + size)) for start in starts)
    x, y, weight = (repeat(None) if data is None else data.split(size) for data in samples)
    return map(Samples, x, y, weight)


def each(function: Callable[[Tensor], Tensor], samples: Samples) -> Samples:
    """Samples with `function` done to every tensor of them."""
    x, y, weight = samples
    if type(x) is Tensor and type(y) is Tensor and weight is None:
        return Samples(function(x), function(y))  # the most common form, without the search
    return Samples(*(mapped(function, Tensor, data) for data in samples))
