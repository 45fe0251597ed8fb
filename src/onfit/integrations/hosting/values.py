"""The numbers that trainers log, and their names in Keras' words."""

from collections.abc import Collection, Iterable, Mapping
from numbers import Real
from typing import Any

_VALIDATION = ("val", "valid", "validation")  # names of data sets


def numbers_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that are numbers, or tensors of one number.

    >>> numbers_in({"loss": 0.5, "best": True, "name": "a"})
    {'loss': 0.5}
    """
    return {name: value for name, value in values.items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    real = isinstance(value, Real) and not isinstance(value, bool)
    return real or getattr(value, "ndim", None) == 0


def changed(values: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that are other objects than in an earlier copy of them."""
    return {name: value for name, value in values.items() if known.get(name) is not value}


def renamed(values: Mapping[str, Any], prefixes: Mapping[str, str]) -> dict[str, Any]:
    """The values under names in which one beginning is replaced by another.

    >>> renamed({"train_loss": 1.0, "valid_loss": 2.0}, {"train_": "", "valid_": "val_"})
    {'loss': 1.0, 'val_loss': 2.0}
    """
    return {_renamed(name, prefixes): value for name, value in values.items()}


def _renamed(name: str, prefixes: Mapping[str, str]) -> str:
    old = next((old for old in prefixes if name.startswith(old)), "")
    return f"{prefixes[old]}{name.removeprefix(old)}" if old in prefixes else name


def in_keras_words(
    results: Iterable[tuple[str, str, float]], training: Collection[str]
) -> dict[str, float]:
    """What a round logs, from triples of a data set's name, a metric's name, and its value. The set
    that is called so gives the `val_` values; if none is, the last one does.

    >>> in_keras_words([("train", "auc", 0.9), ("a", "auc", 0.7), ("b", "auc", 0.8)], ["train"])
    {'auc': 0.9, 'a_auc': 0.7, 'val_auc': 0.8}
    >>> in_keras_words([("valid", "auc", 0.7), ("test", "auc", 0.8)], ["train"])
    {'val_auc': 0.7, 'test_auc': 0.8}
    """
    results = list(results)
    others = [name for name, *_ in results if name not in training]
    chosen = next((name for name in _VALIDATION if name in others), others[-1] if others else None)

    def prefix(name: str) -> str:
        return "" if name in training else "val_" if name == chosen else f"{name}_"

    return {f"{prefix(name)}{metric}": value for name, metric, value in results}
