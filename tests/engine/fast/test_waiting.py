"""Accuracies of small batches, which are taken of many batches at once: no result shows it."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from onfit import Sequential, layers
from onfit.callbacks import LambdaCallback
from onfit.core import Logs
from onfit.engine.fast import waiting
from onfit.engine.fast.accuracies import bools_of
from onfit.engine.fast.waiting import Waiting, joined
from onfit.engine.step.totals import Totals, Value, measured
from onfit.metrics import CategoricalAccuracy
from onfit.metrics.accuracy import AccuracyByShape

X = torch.randn(43, 3, generator=torch.Generator().manual_seed(0))
Y = (X.sum(1) > 0).long()
ACC = bools_of(AccuracyByShape("acc"))


def compiled(loss: str = "sparse_categorical_crossentropy", metric: object = "acc") -> Sequential:
    torch.manual_seed(0)
    model = Sequential([layers.Dense(2, activation="softmax", input_dim=3)])
    model.compile("adam", loss, metrics=[metric])
    return model


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Filled with the outputs of each batch that waits."""
    seen: list[Tensor] = []
    original = waiting.may_wait

    def noted(output: Tensor) -> bool:
        waits = original(output)
        if waits:
            seen.append(output)
        return waits

    monkeypatch.setattr("onfit.engine.fast.accuracies.may_wait", noted)
    return seen


def accuracies(y: Tensor, loss: str, batch_size: int = 8) -> list[float]:
    """Of training and validation, epoch by epoch."""
    fit = compiled(loss).fit(
        X, y, batch_size=batch_size, epochs=3, verbose=0, validation_data=(X, y), shuffle=False
    )
    return [*fit.history["acc"], *fit.history["val_acc"]]


ONE_HOT = torch.nn.functional.one_hot(Y).float()
TARGETS = {
    "numbers": (Y, "sparse_categorical_crossentropy"),
    "numbers in a column": (Y[:, None], "sparse_categorical_crossentropy"),
    "one-hot": (ONE_HOT, "categorical_crossentropy"),
}


@pytest.mark.parametrize(("y", "loss"), TARGETS.values(), ids=TARGETS)
def test_what_waits_says_what_it_would_have_said_at_once(
    y: Tensor, loss: str, waited: list[Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    later = accuracies(y, loss)
    assert len(waited) == 3 * (6 + 6)
    monkeypatch.setattr(waiting, "_MOST", 0)
    assert accuracies(y, loss) == later
    assert len(waited) == 3 * (6 + 6)


def test_sums_are_taken_within_an_epoch_too(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = accuracies(Y, "sparse_categorical_crossentropy")
    monkeypatch.setattr("onfit.engine.step.totals._FOLD_EVERY", 2)
    assert accuracies(Y, "sparse_categorical_crossentropy") == pytest.approx(expected)


def test_large_outputs_do_not_wait(waited: list[Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_MOST", 8 * 2 - 1)
    accuracies(Y, "sparse_categorical_crossentropy")
    assert {len(output) for output in waited} == {43 % 8}


def test_nor_does_a_metric_that_a_user_wrote(waited: list[Tensor]) -> None:
    class Doubled(AccuracyByShape):
        def of_batch(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
            return 2 * super().of_batch(y_true, y_pred).float().mean()

    expected = compiled().evaluate(X, Y, verbose=0)[1]
    assert len(waited) == 2
    assert compiled(metric=Doubled()).evaluate(X, Y, verbose=0)[1] == pytest.approx(2 * expected)
    assert len(waited) == 2


def test_nor_do_labels_that_a_metric_refuses() -> None:
    with pytest.raises(ValueError, match="categorical_accuracy compares y with outputs of the sam"):
        compiled(metric=CategoricalAccuracy()).train_on_batch(X, Y)


def test_labels_may_lie_in_a_buffer_that_the_next_batch_is_written_to() -> None:
    x, y = X[:40].numpy(), Y[:40].numpy()

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        buffer = np.empty(8, np.int64)
        for start in range(0, 40, 8):
            buffer[:] = y[start : start + 8]
            yield x[start : start + 8], buffer
        buffer[:] = -1

    assert compiled().evaluate(batches(), verbose=0) == compiled().evaluate(
        x, y, batch_size=8, verbose=0
    )


@pytest.mark.parametrize("given", [torch.Tensor.numpy, torch.Tensor.clone], ids=["array", "tensor"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_labels_may_be_overwritten_while_they_train(
    given: Callable[[Tensor], object], shuffle: bool
) -> None:
    y = given(Y.clone())

    def overwrite(epoch: int, logs: Logs) -> None:  # before the epoch's means are read
        y[:] = -1

    def accuracy(*callbacks: LambdaCallback) -> float:
        torch.manual_seed(0)
        fit = compiled().fit(X, y, batch_size=8, verbose=0, shuffle=shuffle, callbacks=[*callbacks])
        return fit.history["acc"][0]

    untouched = accuracy()
    assert accuracy(LambdaCallback(on_epoch_end=overwrite)) == untouched


def test_shuffled_labels_are_not_copied_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cloned: list[Tensor] = []
    original = Tensor.clone

    def noted(tensor: Tensor, **options: Any) -> Tensor:
        cloned.append(tensor)
        return original(tensor, **options)

    def labels_cloned(shuffle: bool, steps: int | None = None) -> int:
        model = compiled()
        cloned.clear()
        monkeypatch.setattr(Tensor, "clone", noted)
        model.fit(X, Y, batch_size=8, verbose=0, shuffle=shuffle, steps_per_epoch=steps)
        monkeypatch.undo()
        return sum(tensor.dtype == Y.dtype for tensor in cloned)

    assert labels_cloned(shuffle=False) == 6
    assert labels_cloned(shuffle=True) == 0
    assert labels_cloned(shuffle=True, steps=3) == 0


def test_whoever_reads_a_batch_sees_its_own_accuracy() -> None:
    seen: list[float] = []
    kept: list[Logs] = []

    def read(batch: int, logs: Logs) -> None:
        seen.append(logs["acc"])
        kept.append(logs)

    model = compiled()
    model.optimizer.learning_rate = 0.0
    callbacks = [LambdaCallback(on_batch_end=read)]
    model.fit(X, Y, batch_size=8, verbose=0, shuffle=False, callbacks=callbacks)
    right = torch.as_tensor(model.predict(X, verbose=0)).argmax(-1) == Y
    expected = [float(part.float().mean()) for part in right.split(8)]
    assert seen == pytest.approx(expected)
    assert [dict(logs)["acc"] for logs in kept] == seen


def test_batches_of_all_kinds_are_joined() -> None:
    output = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    batches: list[Value] = [
        torch.tensor([True, True]),
        Waiting(ACC, torch.tensor([1, 1]), output),
        Waiting(ACC, torch.tensor([0]), output[:1]),
        Waiting(ACC, torch.tensor([[0.0, 1.0], [1.0, 0.0]]), output),
    ]
    expected = [True, True, True, False, False, True, True]
    assert joined(batches).tolist() == expected
    assert torch.cat(measured(batches)).tolist() == expected


def test_a_state_holds_no_batch_that_waits_and_goes_on_to_the_same_means() -> None:
    def added(totals: Totals, indices: range) -> Totals:
        for index in indices:
            rows = slice(4 * index, 4 * index + 4)
            totals.add([X[index, 0], Waiting(ACC, Y[rows], X[rows, :2])], 4)
        return totals

    half = added(Totals(["loss", "acc"]), range(5))
    state = half.state_dict()
    assert not any(isinstance(value, Waiting) for values in state["values"] for value in values)
    resumed = Totals(["loss", "acc"])
    resumed.load_state_dict(state)
    whole = added(half, range(5, 10))
    assert Logs.of_epoch(added(resumed, range(5, 10))) == Logs.of_epoch(whole)
    assert dict(Logs.of_epoch(whole)) == pytest.approx(
        {
            "loss": float(X[:10, 0].mean()),
            "acc": float((X[:40, :2].argmax(1) == Y[:40]).float().mean()),
        }
    )
