"""Weights of classes: the forms that a user gives them in, and samples weighed by them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.engine.data.arrays import Samples
from onfit.errors import ArgumentError, DataError

# What `class_weight=` takes: weights by class, as an array, or by output.
ForClasses = Mapping[int, Any] | Mapping[str, Any] | Iterable[Any]
ByClass = dict[int, float]


class EachClass(dict[int, float]):
    """Weights that were given as an array: one for each class there is."""


# The weights of classes for a model of one output; or for each of several outputs, None for ones.
ClassWeights = ByClass | tuple[ByClass | None, ...]


def class_weights_of(given: Any, outputs: Sequence[str]) -> ClassWeights | None:
    """The weights of classes that a user passes as `class_weight`.

    Args:
        given: for one output a dict from class index to weight, or a list, array or tensor with
            the weight of each class; for several outputs a dict by output, or a list, of such.
        outputs: the names of the model's outputs.

    Raises:
        ArgumentError: for anything else.

    >>> class_weights_of([0.5, 2.0], ["output"])
    {0: 0.5, 1: 2.0}
    >>> class_weights_of({"b": {1: 3.0}}, ["a", "b"])
    (None, {1: 3.0})
    """
    if given is None:
        return None
    if _is_by_output(given, outputs):
        return tuple(_by_class(given.get(name)) for name in outputs)
    if isinstance(given, (list, tuple)) and not all(map(_is_number, given)):
        if len(given) != len(outputs):
            raise ArgumentError(
                f"class_weight lists {len(given)} things for a model of {len(outputs)} outputs "
                f"({', '.join(outputs)}). Give weights of classes, or None, for each."
            )
        return tuple(map(_by_class, given))
    return _by_class(given)


def _is_by_output(given: Any, outputs: Sequence[str]) -> bool:
    return isinstance(given, Mapping) and bool(given) and all(name in outputs for name in given)


def _is_number(item: Any) -> bool:
    return item is not None and not isinstance(item, Mapping) and not getattr(item, "shape", ())


def _by_class(given: Any) -> ByClass | None:
    if given is None or isinstance(given, EachClass):
        return given
    pairs: Any = given.items() if hasattr(given, "items") else _numbered(given)
    try:
        found = {int(index): float(value) for index, value in pairs}
        whole = all(int(index) == float(index) >= 0 for index, _ in pairs)
    except (TypeError, ValueError):
        whole = False
    if not whole:
        raise ArgumentError(
            f"class_weight={given!r}: a dict from class index (0, 1 ...) to weight, or an array "
            "with the weight of each class; for several outputs a dict of these by output."
        )
    return found if hasattr(given, "items") else EachClass(found)


def _numbered(given: Any) -> Iterable[tuple[int, Any]]:
    listed = given.tolist() if hasattr(given, "tolist") else given
    return list(enumerate(listed)) if isinstance(listed, Iterable) else [(-1, 0)]


def weighted_by_class(samples: Samples, class_weight: ClassWeights | None) -> Samples:
    """Multiply each sample's weight by that of its class; a class not listed counts 1.

    Raises:
        DataError: if `y` does not say one class per sample.
    """
    y, weight = samples.y, samples.weight
    if class_weight is None or y is None:
        return samples
    if isinstance(class_weight, dict):
        return samples._replace(weight=_weighed(y, weight, class_weight))
    if not isinstance(y, tuple):
        return weighted_by_class(samples, class_weight[0])
    weights = weight if isinstance(weight, tuple) else (weight,) * len(y)
    parts = zip(y, weights, class_weight, strict=True)
    return samples._replace(weight=tuple(_weighed(*part) for part in parts))


def _weighed(y: Any, weight: Tensor | None, by_class: ByClass | None) -> Tensor:
    """The weight of each sample of one output."""
    if by_class is None:
        return torch.ones(len(y), device=y.device) if weight is None else weight
    if isinstance(y, tuple):
        raise DataError(
            "class_weight needs one class per sample, and the model has several outputs. Pass a "
            "dict by output: class_weight={'output name': {0: 1.0, 1: 2.0}}."
        )
    if y.ndim > 2:
        raise DataError("class_weight needs one class per sample: y of shape (n,) or (n, classes).")
    classes = y.argmax(-1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1).long()
    lowest, highest = torch.stack(classes.aminmax()).tolist()
    if lowest < 0:
        raise DataError("class_weight needs classes from 0 upwards; y has negative ones.")
    if isinstance(by_class, EachClass) and highest >= len(by_class):
        raise DataError(
            f"class_weight is an array of {len(by_class)} weights, for the classes 0 to "
            f"{len(by_class) - 1}, and y has class {highest}. Give each class its "
            "weight, or pass a dict from class to weight, in which a class left out counts 1."
        )
    table = torch.ones(max([highest, *by_class]) + 1)
    for index, value in by_class.items():
        table[index] = value
    found = table.to(classes.device)[classes]
    return found if weight is None else weight * found.to(weight.device)
