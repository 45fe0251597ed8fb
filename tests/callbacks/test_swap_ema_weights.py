"""SwapEMAWeights: which weights the model has at which hook."""

from types import SimpleNamespace
from typing import Any

import pytest

from onfit.callbacks import SwapEMAWeights
from onfit.errors import ArgumentError


class Scripted:
    """An optimizer whose parameter and average are letters."""

    def __init__(self, use_ema: bool = True) -> None:
        self.use_ema, self.swapped = use_ema, False
        self.weights, self.learning_rate = "w", 0.1

    def swap_average(self) -> None:
        self.swapped = not self.swapped
        self.weights = "a" if self.swapped else "w"


def by_hand(callback: SwapEMAWeights, hooks: list[str]) -> str:
    """The weights after each of these hooks."""
    optimizer = Scripted()
    callback.set_model(SimpleNamespace(optimizer=optimizer, stop_training=False))
    seen = ""
    for hook in hooks:
        numbered = ("epoch",) if "epoch" in hook else ()
        getattr(callback, f"on_{hook}")(*(0 for _ in numbered))
        seen += optimizer.weights
    return seen


TEST = ["test_begin", "test_end"]


def test_a_validation_has_the_average() -> None:
    hooks = ["train_begin", "epoch_begin", *TEST, "epoch_end", "train_end"]
    assert by_hand(SwapEMAWeights(), hooks) == "wwawww"


def test_with_swap_on_epoch_it_stays_until_the_next_epoch() -> None:
    hooks = ["epoch_begin", *TEST, "epoch_end", "epoch_begin", "epoch_end"]
    assert by_hand(SwapEMAWeights(swap_on_epoch=True), hooks) == "wawawa"


def test_an_evaluation_between_epochs_leaves_the_average_where_it_was() -> None:
    hooks = ["epoch_end", *TEST, "predict_begin", "predict_end", "epoch_begin"]
    assert by_hand(SwapEMAWeights(swap_on_epoch=True), hooks) == "aaaaaw"


def test_a_prediction_has_the_average() -> None:
    assert by_hand(SwapEMAWeights(), ["predict_begin", "predict_end"]) == "aw"


def test_an_optimizer_without_an_average_is_refused_when_training_begins() -> None:
    callback: Any = SwapEMAWeights()
    callback.set_model(SimpleNamespace(optimizer=Scripted(use_ema=False), stop_training=False))
    with pytest.raises(ArgumentError, match=r"Adam\(use_ema=True\)"):
        callback.on_train_begin()
