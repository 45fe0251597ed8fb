"""`compile` while `fit` runs, and what `compile` received, set by its name."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from onfit import Model, Sequential, optimizers
from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ReduceLROnPlateau,
)
from onfit.errors import ArgumentError, NotReadyError
from onfit.layers import BatchNormalization, Dense
from onfit.metrics import AUC

rng = np.random.default_rng(0)
X = rng.normal(size=(16, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


def stack(optimizer: Any = "sgd", **arguments: Any) -> Sequential:
    model = Sequential([Dense(3, input_shape=(4,)), BatchNormalization(), Dense(1)])
    model.compile(optimizer, "mse", **arguments)
    return model


class Own(Model):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(4, 1)

    def forward(self, x: Any) -> Any:
        return self.net(x)

    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


def own() -> Model:
    model = Own()
    model.compile("sgd", "mse")
    return model


def kernels(model: Model, hook: str, when: int, change: Any, **arguments: Any) -> list[Any]:
    """The first weight before each epoch and after the last; `change` is called in a hook."""
    kept = []
    look = LambdaCallback(on_epoch_begin=lambda *_: kept.append(model.get_weights()[0]))
    act = LambdaCallback(**{hook: lambda index, logs: change(model) if index == when else None})
    model.fit(X, Y, epochs=3, batch_size=4, verbose=0, callbacks=[look, act], **arguments)
    return [*kept, model.get_weights()[0]]


STOPS = {
    "compile": lambda model: model.compile(optimizers.SGD(0.0), "mse"),
    "optimizer": lambda model: setattr(model, "optimizer", optimizers.SGD(0.0)),
    "torch's": lambda model: setattr(
        model, "optimizer", torch.optim.SGD(model.parameters(), lr=0.0)
    ),
    "a factory": lambda model: model.compile(partial(torch.optim.SGD, lr=0.0), "mse"),
    "loss": lambda model: setattr(model, "loss", lambda y_true, y_pred: (y_pred * 0.0).mean()),
    "loss weight": lambda model: setattr(model, "loss_weights", [0.0]),
}


@pytest.mark.parametrize("make", [stack, own], ids=["stack", "own step"])
@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_epoch_end"])
def test_what_is_set_in_mid_training_trains_from_the_next_batch_on(make, stop, hook):
    found = kernels(make(), hook, 1 if hook == "on_epoch_begin" else 0, stop)
    assert (found[0] != found[1]).any()
    assert (found[1] == found[3]).all()


def test_compile_at_a_batch_acts_at_the_next_one_and_the_epochs_mean_has_all_batches():
    model, same = stack(), stack()
    same.set_weights(model.get_weights())
    again = LambdaCallback(
        on_train_batch_end=lambda batch, logs: (
            model.compile(optimizers.SGD(0.01), "mse") if batch == 1 else None
        )
    )
    found = model.fit(X, Y, batch_size=4, verbose=0, shuffle=False, callbacks=[again])
    right = same.fit(X, Y, batch_size=4, verbose=0, shuffle=False)
    assert found.history == right.history


def test_callbacks_see_the_new_optimizer_at_once():
    model = stack()
    rates: list[float] = []

    class Again(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 0:
                model.compile(partial(torch.optim.Adam, lr=0.25), "mse")
                rates.append(float(self.model.optimizer.learning_rate))

    halve = LearningRateScheduler(lambda epoch, rate: rate / 2)
    reduce = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9, cooldown=9)
    found = model.fit(
        X, Y, epochs=3, batch_size=4, verbose=0, callbacks=[Again(), reduce, halve]
    ).history
    assert rates == [0.25]
    assert found["learning_rate"][1] < 0.25
    assert float(model.optimizer.learning_rate) == pytest.approx(found["learning_rate"][2], rel=0.6)


def test_gradients_of_the_new_optimizers_steps_are_seen():
    model = stack()
    seen: list[bool] = []

    class Look(Callback):
        def on_before_optimizer_step(self, batch: int, logs: Any = None) -> None:
            seen.append(all(p.grad is not None for p in model.parameters()))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            model.compile(partial(torch.optim.SGD, lr=0.1) if epoch == 0 else "adam", "mse")

    model.fit(X, Y, epochs=3, batch_size=8, verbose=0, callbacks=[Look()])
    assert seen == [True] * 6
    assert all(p.grad is None for p in model.parameters())


def test_batches_are_seen_after_the_step_was_made_anew():
    model = stack()
    shapes: list[Any] = []

    class Look(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            shapes.append(tuple(self.run.batch.outputs.shape))
            model.compile("sgd", "mse")

    model.fit(X, Y, batch_size=8, verbose=0, callbacks=[Look()])
    assert shapes == [(8, 1), (8, 1)]


def test_other_metrics_are_logged_from_the_batch_on_that_they_were_compiled_before():
    model = stack(metrics=["mae"])
    params: list[Any] = []

    class Again(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                model.compile("sgd", "mse", metrics=["mape", AUC(name="auc")])

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            params.append(self.params["metrics"][:])

    fitted = model.fit(X, Y > 0, epochs=2, verbose=0, validation_split=0.5, callbacks=[Again()])
    assert params == [
        ["loss", "mae", "val_loss", "val_mae"],
        ["loss", "mape", "auc", "val_loss", "val_mape", "val_auc"],
    ]
    assert len(fitted.history["val_auc"]) == len(fitted.history["mape"]) == 1


def test_a_run_that_goes_on_has_the_rate_of_the_new_optimizer(tmp_path):
    def train(model: Model, epochs: int, change: Any) -> Model:
        callbacks: list[Any] = [LambdaCallback(on_epoch_begin=change)]
        backup = BackupAndRestore(str(tmp_path / "backup"), delete_checkpoint=False)
        model.fit(X, Y, epochs=epochs, verbose=0, callbacks=[*callbacks, backup])
        return model

    first = stack(optimizers.SGD(0.1))
    train(
        first,
        2,
        lambda epoch, logs: first.compile(optimizers.SGD(0.0), "mse") if epoch == 1 else None,
    )
    second = stack(optimizers.SGD(0.1))
    train(second, 4, lambda epoch, logs: None)
    assert float(second.optimizer.learning_rate) == 0.0
    for mine, its in zip(first.get_weights()[:2], second.get_weights()[:2], strict=True):
        np.testing.assert_array_equal(mine, its)


def test_what_compile_received_is_read_as_it_was_given():
    model = stack(loss_weights=[0.5])
    assert model.loss == "mse"
    assert model.loss_weights == [0.5]
    new = optimizers.Adam(0.1)
    model.optimizer = new
    assert model.optimizer is new
    assert model.loss == "mse"
    model.loss = "mae"
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(
        0.5 * float(np.abs(model.predict(X, verbose=0) - Y).mean()), rel=1e-5
    )


def test_what_is_set_before_compile_says_where_it_belongs():
    model = Sequential([Dense(1, input_shape=(4,))])
    assert model.loss is None
    assert model.optimizer is None
    for name in ("loss", "loss_weights"):
        with pytest.raises(NotReadyError, match=rf"compile\({name}="):
            setattr(model, name, "mse")
    model.optimizer = "adam"
    assert isinstance(model.optimizer, optimizers.Adam)
    with pytest.raises(NotReadyError, match="without a loss"):
        model.fit(X, Y, verbose=0)


def test_what_compile_would_refuse_is_refused_and_nothing_changes():
    model = stack()
    before = model.optimizer
    with pytest.raises(ArgumentError, match="Did you mean 'adam'"):
        model.optimizer = "adm"
    with pytest.raises(ArgumentError):
        model.loss = "msee"
    assert model.optimizer is before
    assert model.loss == "mse"


def test_a_monitor_goes_on_after_compile():
    model = stack()
    stop = EarlyStopping("loss", patience=1, min_delta=1e9)
    again = LambdaCallback(on_epoch_end=lambda epoch, logs: model.compile("sgd", "mse"))
    fitted = model.fit(X, Y, epochs=9, verbose=0, callbacks=[again, stop])
    assert len(fitted.epoch) == 2
