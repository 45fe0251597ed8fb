"""What a step does besides the arithmetic: it waits for no device, and takes no detours."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from onfit import Model, Sequential, layers, losses
from onfit.callbacks import LambdaCallback
from onfit.core import Logs
from onfit.engine.step import backward
from onfit.engine.step.totals import Totals
from onfit.engine.step.ways import WAYS
from onfit.errors import DataError

X = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
Y = (X.sum(1) > 0).long()

# What brings a number to Python, and so waits until a device has computed it.
_WAITS = ("item", "tolist", "__bool__", "__float__", "__int__", "__index__", "cpu", "numpy")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Filled with the name of each call that would wait for the device, were it not the CPU."""
    seen: list[str] = []
    monkeypatch.setattr(Tensor, "is_cpu", False)
    compiled().train_on_batch(X, Y)  # so that what is tried once in a process was tried

    def counted(name: str) -> None:
        original = getattr(Tensor, name)

        def method(self: Tensor, *args: object) -> object:
            seen.append(name)
            return original(self, *args)

        monkeypatch.setattr(Tensor, name, method)

    for name in _WAITS:
        counted(name)
    return seen


def compiled() -> Sequential:
    model = Sequential(
        [layers.Dense(4, activation="relu", input_dim=3), layers.Dense(2, activation="softmax")]
    )
    model.compile(
        "adam",
        "sparse_categorical_crossentropy",
        metrics=["acc", "sparse_categorical_crossentropy"],
    )
    return model


def test_no_batch_waits_for_the_device_and_an_epoch_does_so_once(waits: list[str]) -> None:
    model = compiled()
    at_end_of_batches, at_begin_of_epochs = [], []
    watcher = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: at_begin_of_epochs.append(len(waits)),
        on_train_batch_end=lambda batch, logs: at_end_of_batches.append(len(waits)),
        on_train_end=lambda logs: at_begin_of_epochs.append(len(waits)),
    )
    model.fit(X, Y, batch_size=8, epochs=3, verbose=0, callbacks=[watcher])
    each_epoch = [after - before for before, after in pairwise(at_begin_of_epochs)]
    assert each_epoch == [1, 1, 1]
    assert at_end_of_batches == [count for count in at_begin_of_epochs[:3] for _ in range(5)]


def test_validation_is_read_once_too(waits: list[str]) -> None:
    model = compiled()
    begun: list[int] = []
    watcher = LambdaCallback(on_train_begin=lambda logs: begun.append(len(waits)))
    data = (X, Y)
    model.fit(X, Y, batch_size=8, epochs=3, verbose=0, validation_data=data, callbacks=[watcher])
    assert len(waits) - begun[0] == 3 * 2


def test_whoever_reads_a_batch_pays_for_that_batch_alone(waits: list[str]) -> None:
    model = compiled()
    seen = []

    def read_the_third(batch: int, logs: Logs) -> None:
        before = len(waits)
        if batch == 2:
            float(logs["loss"])
        seen.append(len(waits) - before)

    model.fit(
        X, Y, batch_size=8, verbose=0, callbacks=[LambdaCallback(on_batch_end=read_the_third)]
    )
    assert [bool(count) for count in seen] == [False, False, True, False, False]


# --- gradients -------------------------------------------------------------------------------


def test_gradients_are_those_of_torch() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    unused = torch.nn.Parameter(torch.zeros(2))
    params = [*net.parameters(), unused]
    expected = torch.autograd.grad(net(X).square().mean(), params, allow_unused=True)
    found = backward.gradients(net(X).square().mean(), params)
    assert found[-1] is None
    assert all(torch.equal(a, b) for a, b in zip(found[:-1], expected[:-1], strict=True))
    assert all(param.grad is None for param in params)


def test_checkpoints_of_the_older_kind_train_all_they_hold() -> None:
    class Checkpointed(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = torch.nn.Linear(3, 3), torch.nn.Linear(3, 1)

        def forward(self, x: Tensor) -> Tensor:
            inner = checkpoint(self.first, x.requires_grad_(), use_reentrant=True)
            return self.last(inner)

    net = Checkpointed()
    before = net.first.weight.detach().clone()
    model = Model(net)
    model.compile("sgd", "mse")
    model.fit(X.clone(), X[:, :1], verbose=0)
    assert not torch.equal(net.first.weight, before)
    assert all(param.grad is None for param in net.parameters())


def test_a_hook_that_waits_for_grad_is_told() -> None:
    net, told = torch.nn.Linear(3, 1), []
    net.weight.register_post_accumulate_grad_hook(lambda param: told.append(param.grad.shape))
    model = Model(net)
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], batch_size=20, verbose=0)
    assert told == [net.weight.shape] * 2


# --- losses and their means --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "y", "output"),
    [
        (losses.MeanSquaredError(), X[:, :2], X[:, 1:]),
        (losses.MeanSquaredError(), X[:, 0], X[:, 1:2]),
        (losses.MeanAbsoluteError(), X[:, :2], X[:, 1:]),
        (losses.SparseCategoricalCrossentropy(), Y, X),
        (losses.SparseCategoricalCrossentropy(from_logits=True), Y, X),
        (losses.BinaryCrossentropy(from_logits=True), Y, X[:, :1]),
        (losses.SparseCategoricalCrossentropy(), Y[:, None], X),
        (losses.SparseCategoricalCrossentropy(), Y.view(8, 5), X.view(8, 5, 3)),
        (losses.BinaryCrossentropy(), Y, X[:, :1]),
        (losses.BinaryCrossentropy(label_smoothing=0.2), Y, X[:, :1]),
        (losses.CategoricalCrossentropy(), torch.nn.functional.one_hot(Y, 3), X),
    ],
)
def test_a_mean_at_once_is_the_mean_of_the_samples(
    loss: losses.Loss, y: Tensor, output: Tensor
) -> None:
    mean = WAYS.loss(loss, False)
    torch.testing.assert_close(
        mean(y, output.sigmoid(), None), loss.call(y, output.sigmoid()).mean()
    )
    if loss.logits_of is not None:
        mean = WAYS.loss(loss, True)
        torch.testing.assert_close(mean(y, output, None), loss.call_on_logits(y, output).mean())


class Doubled(losses.MeanSquaredError):
    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return 2 * super().call(y_true, y_pred)


class Mixin:
    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return 2 * losses.mean_squared_error(y_true, y_pred)


class Mixed(Mixin, losses.MeanSquaredError): ...


class Whole(losses.MeanSquaredError):
    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> Tensor:
        return 2 * losses.mean_squared_error(y_true, y_pred).mean()


class Focal(losses.SparseCategoricalCrossentropy):
    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return 2 * super().call(y_true, y_pred)


def patched() -> losses.Loss:
    loss = losses.MeanSquaredError()
    loss.call = Mixin().call
    return loss


@pytest.mark.parametrize("loss", [Doubled(), Mixed(), Whole(), patched()])
def test_a_loss_that_computes_otherwise_does_not_go_the_short_way(loss: losses.Loss) -> None:
    assert measured(loss) == pytest.approx(2 * measured(losses.MeanSquaredError()))


def measured(loss: losses.Loss) -> float:
    torch.manual_seed(0)
    model = Sequential([layers.Dense(1, input_dim=3)])
    model.compile("sgd", loss)
    return model.evaluate(X, X[:, :1], verbose=0)


def test_a_crossentropy_of_ones_own_is_asked_for_probabilities() -> None:
    model = compiled()
    plain = model.evaluate(X, Y, verbose=0)[0]
    model.compile("sgd", Focal())
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(2 * plain, rel=1e-5)


class Squared(losses.SparseCategoricalCrossentropy):
    @staticmethod
    def function(y_true: Tensor, y_pred: Tensor, from_logits: bool, **options: Any) -> Tensor:
        assert not from_logits
        return y_pred.square().sum(-1)


def test_so_is_one_with_a_function_of_its_own() -> None:
    model = compiled()
    model.compile("sgd", Squared())
    squares = torch.as_tensor(model.predict(X, verbose=0)).square().sum(-1)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(float(squares.mean()), rel=1e-5)


def test_one_that_also_writes_call_on_logits_is_asked_for_logits() -> None:
    class Logits(Focal):
        def call_on_logits(self, y_true: Tensor, logits: Tensor) -> Tensor:
            return logits.sum(-1)

    model = compiled()
    model.compile("sgd", Logits())
    logits = model.logits(X).detach()
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(float(logits.sum(-1).mean()), rel=1e-5)


def test_a_loss_may_have_a_mean_of_its_own() -> None:
    class Scaled(losses.Loss):
        def __init__(self, mean: float) -> None:
            super().__init__()
            self.mean = mean

        def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
            return (y_true - y_pred - self.mean).square().mean(-1)

    assert measured(Scaled(0.0)) == pytest.approx(measured(losses.MeanSquaredError()))


def test_a_label_that_torch_would_pass_over_is_an_error() -> None:
    model = compiled()
    y = Y.clone()
    y[0] = -100
    with pytest.raises(DataError, match="y has classes from -100 to 1"):
        model.fit(X, y, verbose=0)


# --- totals ----------------------------------------------------------------------------------


def test_a_metric_that_is_a_weight_is_kept_as_it_was() -> None:
    net = torch.nn.Linear(3, 1)
    model = Model(net)
    model.compile("sgd", "mse", metrics=[lambda y_true, y_pred: net.bias[0]])
    seen: list[float] = []
    keeper = LambdaCallback(
        on_batch_begin=lambda batch, logs: seen.append(float(net.bias.detach()))
    )
    history = model.fit(X, X[:, :1], batch_size=10, verbose=0, callbacks=[keeper])
    after = [*seen[1:], float(net.bias.detach())]
    assert history.history["<lambda>"] == [pytest.approx(sum(after) / 4)]


def test_bools_and_means_come_to_the_mean_over_samples() -> None:
    totals = Totals(["loss", "acc"])
    for size, right in ((3, [True, False, True]), (1, [False])):
        totals.add([torch.tensor(float(size)), torch.tensor(right)], size)
    logs = Logs()
    totals.report_epoch(logs)
    assert dict(logs) == {"loss": 2.5, "acc": 0.5}
    totals.report_batch(logs)
    assert dict(logs) == {"loss": 1.0, "acc": 0.0}


def test_means_do_not_depend_on_how_often_they_are_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    def mean(every: int) -> dict[str, float]:
        monkeypatch.setattr("onfit.engine.step.totals._FOLD_EVERY", every)
        totals = Totals(["loss", "acc"])
        for index in range(10):
            totals.add([X[index, 0], X[index] > 0], 3)
        logs = Logs()
        totals.report_epoch(logs)
        return dict(logs)

    assert mean(1) == pytest.approx(mean(100), abs=1e-12)


def test_an_accuracy_of_the_logits_is_that_of_the_probabilities() -> None:
    model = compiled()
    found = model.evaluate(X, Y, verbose=0, return_dict=True)
    right = (torch.as_tensor(model.predict(X, verbose=0)).argmax(-1) == Y).float().mean()
    assert found["acc"] == pytest.approx(float(right))


def test_an_error_of_the_net_notes_the_types_and_shapes_of_the_batch():
    model = Model(torch.nn.Linear(7, 1))
    model.compile("sgd", "mse")
    with pytest.raises(RuntimeError, match="cannot be multiplied") as caught:
        model.fit(X[:4], torch.zeros(4, 1), verbose=0)
    assert "raised on a batch of x: float32 (4, 3), y: float32 (4, 1)" in caught.value.__notes__


def test_an_error_of_a_loss_of_ones_own_notes_the_types_and_shapes_of_the_batch():
    model = Model(torch.nn.Linear(3, 3))
    model.compile("sgd", lambda y, outputs: y @ outputs)
    with pytest.raises(RuntimeError, match="cannot be multiplied") as caught:
        model.evaluate(X[:4], torch.zeros(4, 1), verbose=0)
    assert "raised on a batch of x: float32 (4, 3), y: float32 (4, 1)" in caught.value.__notes__
