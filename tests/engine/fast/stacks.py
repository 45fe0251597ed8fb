"""Stacks of layers, and trainings of them with the chain rule and through torch's engine."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from onfit import Input, Sequential, layers
from onfit.callbacks import Callback
from onfit.engine import fast

FEATURES, CLASSES = 20, 3
_generator = torch.Generator().manual_seed(0)
X = torch.randn(44, FEATURES, generator=_generator)  # batches of 10, and one of 4
LABELS = torch.randint(0, CLASSES, (44,), generator=_generator)
ONE_HOT = nn.functional.one_hot(LABELS, CLASSES)
YES = (LABELS == 0).long()
NUMBERS = X[:, :1] * 2
Made = Callable[[], Sequential]


def dense(units: int, activation: Any = None, **more: Any) -> layers.Dense:
    return layers.Dense(units, activation, **more)


def compiled(
    *stack: nn.Module,
    loss: Any = "sparse_categorical_crossentropy",
    optimizer: Any = "adam",
    metrics: Any = ("accuracy",),
) -> Sequential:
    torch.manual_seed(1)
    model = Sequential([Input((FEATURES,)), *stack])
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def plain() -> Sequential:
    return compiled(dense(24, "relu"), dense(CLASSES, "softmax"))


def trained(
    make: Made, x: Any = X, y: Any = LABELS, prepare: Any = None, **fit: Any
) -> tuple[list[Any], dict[str, list[float]]]:
    """Weights and history of a training."""
    model = make()
    if prepare is not None:
        prepare(model)
    fit = {"batch_size": 10, "epochs": 2, "verbose": 0, **fit}
    callbacks = [callback() for callback in fit.pop("callbacks", ())]
    torch.manual_seed(2)
    history = model.fit(x, y, callbacks=callbacks, **fit)
    return model.get_weights(), history.history


def through_engine(monkeypatch: pytest.MonkeyPatch, *args: Any, **named: Any) -> Any:
    """The same training, every batch of it through torch's engine."""
    with monkeypatch.context() as patch:
        patch.setattr(fast, "chain_rule_of", lambda *of_model: None)
        return trained(*args, **named)


def assert_equal(found: Any, expected: Any) -> None:
    for mine, torchs in zip(found[0], expected[0], strict=True):
        assert (mine == torchs).all()
    assert found[1] == expected[1]


def when(batch: int, act: Callable[[Any], None]) -> Callable[[], Callback]:
    """What makes a callback that does something to the model after a batch of the first epoch."""

    class Acting(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.epoch = epoch

        def on_train_batch_end(self, index: int, logs: Any = None) -> None:
            if (self.epoch, index) == (0, batch):
                act(self.model)

    return Acting


class Unhashable:
    __hash__ = None

    def __call__(self, x: Tensor) -> Tensor:
        return x
