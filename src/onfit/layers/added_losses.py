"""The losses that layers add: while they compute, with `add_loss` or as penalties on their outputs;
and at any time, as penalties on their weights.

Those of a computation are kept here, beside the layers, until the next call of the layer, or of
what is around it. So copies and files of a layer do not hold them, and a net without such losses
pays nothing.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Self
from weakref import WeakKeyDictionary

from torch import Tensor, nn

from onfit.errors import ArgumentTypeError
from onfit.layers.weights import weights_with
from onfit.layers.wrappers import whole

_added: WeakKeyDictionary[nn.Module, list[Tensor]] = WeakKeyDictionary()


class _Depth(threading.local):
    """How many calls of layers and models are under way in this thread, one inside the other."""

    calls = 0


_depth = _Depth()


class Calling:
    """A call of a layer or model. The outermost one begins without the losses of the last.

    Args:
        module: what is called.
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def __enter__(self) -> Self:
        if _added and not _depth.calls:
            _forget(self._module)
        _depth.calls += 1
        return self

    def __exit__(self, *error: Any) -> None:
        _depth.calls -= 1


def add(layer: nn.Module, described: str, loss: Any) -> None:
    """Note a loss of a layer.

    Args:
        layer: adds it.
        described: the layer's name in errors.
        loss: a tensor, or a list of them; of one with several values the sum counts.

    Raises:
        ArgumentTypeError: for anything else.
    """
    for each in loss if isinstance(loss, (list, tuple)) else [loss]:
        if not isinstance(each, Tensor):
            raise ArgumentTypeError(
                f"{described}.add_loss takes a tensor that was computed in call(); got {each!r}. "
                "Write a layer whose call computes the loss and hands it to self.add_loss. (A "
                "symbol goes to Model(inputs, outputs).add_loss.)"
            )
        _added.setdefault(layer, []).append(each)


def added_in(net: nn.Module) -> Sequence[Tensor]:
    """What the last call added, layer after layer."""
    if not _added:
        return ()
    return [loss for part in net.modules() for loss in _added.get(part, ())]


def may_add(net: nn.Module) -> bool:
    """Whether a part of `net` could add a loss: it has a penalty on outputs, or a user wrote it."""
    return any(
        getattr(part, "activity_regularizer", None) is not None
        or getattr(part, "adds_losses", False)
        or (hasattr(part, "add_loss") and not type(part).__module__.startswith("onfit."))
        for part in net.modules()
    )


@contextmanager
def nothing_added(net: nn.Module) -> Iterator[None]:
    """Within, what is added is not kept: only shapes are looked for."""
    before = {part: _added[part] for part in net.modules() if part in _added}
    _forget(net)
    try:
        yield
    finally:
        _forget(net)
        _added.update(before)


def _forget(net: nn.Module) -> None:
    for part in net.modules():
        _added.pop(part, None)


# --- penalties on weights ----------------------------------------------------------------------

_SUFFIX = "_regularizer"


Penalty = Callable[[], Tensor | None]


def penalties_of(model: nn.Module) -> list[Penalty]:
    """A function for each regularized weight of each layer: it computes the penalty of now; None
    while the weight is frozen.

    A layer has a penalty on its weight `kernel` if it has a `kernel_regularizer`.
    """
    return [partial(_penalty, layer, weight) for layer, weight in weights_with(model, _SUFFIX)]


def values_of(penalties: Iterable[Penalty]) -> list[Tensor]:
    """The penalties of now: those on weights that are not frozen."""
    return [value for penalty in penalties if (value := penalty()) is not None]


def _penalty(layer: Any, weight: str) -> Tensor | None:
    # All is looked up each time: the user may replace the regularizer, change its factor, or freeze
    # the layer.
    value = getattr(layer, weight)
    if not value.requires_grad:
        return None
    penalty: Tensor = getattr(layer, weight + _SUFFIX)(value)
    return whole(penalty)
