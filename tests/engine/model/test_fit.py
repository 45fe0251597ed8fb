"""fit, evaluate, predict: which hooks are called with what, and what is left behind."""

from typing import Any

import numpy as np
import pytest
import torch

from onfit.callbacks import BaseLogger, EarlyStopping, History, LambdaCallback, ProgbarLogger
from onfit.core import Callback
from onfit.core.hooks import HOOKS
from onfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    DataError,
    NotReadyError,
    OnfitWarning,
    ShapeError,
)
from onfit.layers import Dense, Dropout
from onfit.models import Sequential

X, Y = np.arange(10.0)[:, None] / 10, np.arange(10.0)[:, None] / 5


def linear(**compiled: Any) -> Sequential:
    model = Sequential([Dense(1, input_dim=1)])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **compiled})
    return model


class Told(Callback):
    """Writes down every hook, without the epoch's or batch's logs."""

    def __init__(self) -> None:
        self.hooks: list[str] = []
        for hook in HOOKS:
            setattr(self, hook, self._noting(hook))

    def _noting(self, hook: str) -> Any:
        def note(*args: Any) -> None:
            index = args[0] if isinstance(args[0], int) else ""
            self.hooks.append(f"{hook.removeprefix('on_')} {index}".strip())

        return note


# --- hooks -----------------------------------------------------------------------------------


def test_the_hooks_of_a_fit_in_their_order() -> None:
    told = Told()
    fit = {"batch_size": 5, "epochs": 2, "validation_data": (X, Y), "validation_batch_size": 10}
    linear().fit(X, Y, verbose=0, callbacks=told, validation_freq=2, **fit)
    batches = [
        "train_batch_begin 0",
        "before_optimizer_step 0",
        "train_batch_end 0",
        "train_batch_begin 1",
        "before_optimizer_step 1",
        "train_batch_end 1",
    ]
    validation = ["test_begin", "test_batch_begin 0", "test_batch_end 0", "test_end"]
    validation.append("validation_end 4")
    assert told.hooks == [
        "train_begin",
        "epoch_begin 0",
        *batches,
        "epoch_end 0",
        "epoch_begin 1",
        *batches,
        *validation,
        "epoch_end 1",
        "train_end",
    ]


def test_the_hooks_of_evaluate_and_predict() -> None:
    for method, word in (("evaluate", "test"), ("predict", "predict")):
        told, model = Told(), linear()
        data = (X, Y) if method == "evaluate" else (X,)
        getattr(model, method)(*data, batch_size=5, verbose=0, callbacks=[told])
        assert told.hooks == [
            f"{word}_begin",
            f"{word}_batch_begin 0",
            f"{word}_batch_end 0",
            f"{word}_batch_begin 1",
            f"{word}_batch_end 1",
            f"{word}_end",
        ]


def test_what_the_logs_of_each_hook_hold() -> None:
    seen: dict[str, list[dict[str, Any]]] = {}

    class Look(Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            seen.setdefault("batch begin", []).append(dict(logs))

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.setdefault("batch end", []).append(dict(logs))

        def on_test_end(self, logs: Any = None) -> None:
            seen.setdefault("test end", []).append(dict(logs))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.setdefault("epoch end", []).append(dict(logs))

        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.setdefault("predict", []).append(dict(logs))

    model = linear(metrics=["mae"])
    model.fit(
        X,
        Y,
        batch_size=8,
        verbose=0,
        validation_split=0.0,
        validation_data=(X, Y),
        callbacks=Look(),
    )
    model.predict(X, batch_size=8, verbose=0, callbacks=[Look()])
    assert seen["batch begin"] == [{"batch": 0, "size": 8}, {"batch": 1, "size": 2}]
    assert [list(logs) for logs in seen["batch end"]] == [["batch", "size", "loss", "mae"]] * 2
    assert all(type(value) is float for value in list(seen["batch end"][0].values())[2:])
    assert list(seen["test end"][0]) == ["loss", "mae"]
    assert list(seen["epoch end"][0]) == ["loss", "mae", "val_loss", "val_mae"]
    assert seen["epoch end"][0]["val_loss"] == seen["test end"][0]["loss"]
    assert [logs["outputs"].shape for logs in seen["predict"]] == [(8, 1), (2, 1)]


def test_an_epochs_loss_is_the_mean_over_samples_of_the_batches_losses() -> None:
    batches: list[Any] = []

    def keep(batch: int, logs: Any) -> None:
        batches.append(logs)  # read only after the fit: each still has its own values

    model = linear()
    history = model.fit(
        X, Y, batch_size=4, epochs=1, verbose=0, callbacks=LambdaCallback(on_train_batch_end=keep)
    )
    mean = sum(logs["loss"] * logs["size"] for logs in batches) / 10
    assert history.history["loss"] == [pytest.approx(mean)]
    assert len({logs["loss"] for logs in batches}) == 3


def test_params_tell_the_facts_of_the_run() -> None:
    told: list[dict[str, Any]] = []

    class Params(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            told.append(self.params)

        def on_test_begin(self, logs: Any = None) -> None:
            told.append(self.params)

    model = linear(metrics=["mae"])
    fit = {"batch_size": 4, "epochs": 7, "initial_epoch": 6, "validation_split": 0.2}
    model.fit(X, Y, verbose=0, callbacks=[Params()], **fit)
    assert told[0] == {
        "batch_size": 4,
        "epochs": 7,
        "steps": 2,
        "samples": 8,
        "verbose": 0,
        "do_validation": True,
        "metrics": ["loss", "mae", "val_loss", "val_mae"],
        "decide_at": "epochs",
    }
    assert told[1] is told[0]
    model.evaluate(X, Y, verbose=0, callbacks=[Params()])
    assert (told[2]["samples"], told[2]["do_validation"]) == (10, False)


def test_callbacks_are_told_in_the_order_given_and_history_after_them() -> None:
    def add(epoch: int, logs: Any) -> None:
        logs["mine"] = 1.0

    def double(epoch: int, logs: Any) -> None:
        logs["mine"] *= 2

    callbacks = [LambdaCallback(on_epoch_end=add), LambdaCallback(on_epoch_end=double)]
    history = linear().fit(X, Y, verbose=0, callbacks=callbacks)
    assert history.history["mine"] == [2.0]


def test_what_is_no_callback_is_an_error_before_training() -> None:
    with pytest.raises(ArgumentTypeError, match=r"EarlyStopping is a class. Write EarlyStopping\("):
        linear().fit(X, Y, verbose=0, callbacks=[EarlyStopping])


# --- the history -----------------------------------------------------------------------------


def test_the_history_is_returned_and_kept() -> None:
    model = linear()
    assert model.history is None
    history = model.fit(X, Y, epochs=4, initial_epoch=1, verbose=0)
    assert model.history is history
    assert type(history) is History
    assert history.epoch == [1, 2, 3]
    assert list(history.history) == ["loss"]


def test_the_history_of_an_interrupted_training_is_kept() -> None:
    def interrupt(epoch: int, logs: Any) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    model = linear()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=9, verbose=0, callbacks=LambdaCallback(on_epoch_begin=interrupt))
    assert model.history is not None
    assert len(model.history.history["loss"]) == 2


def test_no_epochs_leave_an_empty_history_and_the_weights() -> None:
    model = linear()
    before = model.get_weights()
    assert model.fit(X, Y, epochs=3, initial_epoch=3, verbose=0).history == {}
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


# --- validation ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("freq", "validated"), [(1, 4), (2, 2), (3, 1), ([1, 4], 2), ({2}, 1), (range(2, 9), 3), (9, 0)]
)
def test_how_often_is_validated(freq: Any, validated: int) -> None:
    history = linear().fit(X, Y, epochs=4, verbose=0, validation_data=(X, Y), validation_freq=freq)
    assert len(history.history.get("val_loss", [])) == validated


@pytest.mark.parametrize("freq", [0, -1, 1.5])
def test_validation_freq_is_a_number_of_epochs_or_a_list(freq: Any) -> None:
    with pytest.raises(ArgumentError, match=f"validation_freq={freq}"):
        linear().fit(X, Y, verbose=0, validation_data=(X, Y), validation_freq=freq)


def test_validation_does_not_train_and_comes_after_the_epochs_last_batch() -> None:
    model = linear(metrics=["mae"])
    history = model.fit(X, Y, verbose=0, validation_data=(X, Y))
    assert model.evaluate(X, Y, verbose=0) == [
        pytest.approx(history.history["val_loss"][0]),
        pytest.approx(history.history["val_mae"][0]),
    ]


def test_a_stop_at_a_batch_ends_the_epoch_without_validation() -> None:
    told, model = Told(), linear()

    def stop(batch: int, logs: Any) -> None:
        model.stop_training = batch == 1

    callbacks = [told, LambdaCallback(on_train_batch_end=stop)]
    history = model.fit(
        X, Y, batch_size=2, epochs=5, verbose=0, validation_data=(X, Y), callbacks=callbacks
    )
    assert told.hooks[-5:] == [
        "train_batch_begin 1",
        "before_optimizer_step 1",
        "train_batch_end 1",
        "epoch_end 0",
        "train_end",
    ]
    assert list(history.history) == ["loss"]


def test_a_new_fit_is_not_stopped_by_the_last_one() -> None:
    model = linear()
    stop = LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True))
    assert model.fit(X, Y, epochs=3, verbose=0, callbacks=stop).epoch == [0]
    assert model.stop_training
    assert model.fit(X, Y, epochs=3, verbose=0).epoch == [0, 1, 2]
    assert not model.stop_training


# --- what is changed in mid-training ---------------------------------------------------------


def at_batch(index: int, change: Any) -> LambdaCallback:
    return LambdaCallback(
        on_train_batch_end=lambda batch, logs: change() if batch == index else None
    )


def weights_by_batch(model: Sequential, *callbacks: Callback) -> list[Any]:
    kept = [model.get_weights()]
    keep = LambdaCallback(on_train_batch_end=lambda batch, logs: kept.append(model.get_weights()))
    model.fit(X, Y, batch_size=2, verbose=0, callbacks=[keep, *callbacks])
    return [weights[0].item() for weights in kept]


def test_a_layer_frozen_at_a_batch_stays_from_the_next_one_on() -> None:
    model = linear()
    freeze = at_batch(1, lambda: setattr(model.layers[0], "trainable", False))
    thaw = at_batch(3, lambda: setattr(model.layers[0], "trainable", True))
    with pytest.warns(OnfitWarning, match="no trainable weights"):
        kernels = weights_by_batch(model, freeze, thaw)
    assert kernels[2] == kernels[3] == kernels[4]
    assert len(set(kernels)) == 4


def test_a_rate_set_at_a_batch_counts_from_the_next_one_on() -> None:
    model = linear()
    stop = at_batch(1, lambda: setattr(model.optimizer, "learning_rate", 0.0))
    kernels = weights_by_batch(model, stop)
    assert kernels[2] == kernels[3] == kernels[5]
    assert len(set(kernels)) == 3


def test_weights_set_at_a_batch_are_trained_on() -> None:
    model = linear()
    reset = at_batch(2, lambda: model.set_weights([np.full((1, 1), 50.0), np.zeros(1)]))
    kernels = weights_by_batch(model, reset)
    assert abs(kernels[3]) < 10  # predicted before the reset
    assert kernels[4] != 50.0
    assert kernels[4] == pytest.approx(50.0, rel=0.5)


def test_a_dropout_rate_set_at_a_batch_counts_from_the_next_one_on() -> None:
    torch.manual_seed(0)  # one in a thousand comes through a dropout of 0.999
    model = Sequential([Dropout(0.0), Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    model.build((None, 1))
    kernels = weights_by_batch(model, at_batch(1, lambda: setattr(model.layers[0], "rate", 0.999)))
    assert len(set(kernels[:3])) == 3
    assert len(set(kernels[2:])) == 1  # nothing comes through


# --- modes -----------------------------------------------------------------------------------


def test_layers_are_in_training_mode_in_training_and_as_before_afterwards() -> None:
    seen: list[tuple[str, bool]] = []
    model = Sequential([Dense(2, input_dim=1), Dropout(0.5), Dense(1)])
    model.compile("sgd", "mse")
    model.layers[1].eval()
    model.layers[0].register_forward_pre_hook(
        lambda module, args: seen.append(("forward", module.training))
    )
    fit = {"batch_size": 10, "validation_data": (X, Y), "epochs": 2}
    model.fit(X, Y, verbose=0, **fit)
    assert [training for _, training in seen] == [True, False, True, False]
    assert [layer.training for layer in model.layers] == [True, False, True]
    model.eval()
    model.fit(X, Y, verbose=0)
    assert not model.training


@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_evaluating_drops_nothing_out(method: str) -> None:
    model = Sequential([Dropout(0.9), Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    data = (X, Y) if method == "evaluate" else (X,)
    first, second = (getattr(model, method)(*data, verbose=0) for _ in range(2))
    np.testing.assert_array_equal(first, second)


# --- results ---------------------------------------------------------------------------------


def test_evaluate_returns_a_float_a_list_or_a_dict() -> None:
    model = linear()
    assert type(model.evaluate(X, Y, verbose=0)) is float
    model.compile("sgd", "mse", metrics=["mae", "mse"])
    loss, mae, mse = model.evaluate(X, Y, verbose=0)
    assert loss == mse != mae
    found = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert found == {"loss": loss, "mae": mae, "mse": mse}
    assert type(found) is dict


def test_predict_returns_numpy_in_the_order_given() -> None:
    model = linear()
    predicted = model.predict(X, batch_size=3, verbose=0)
    assert type(predicted) is np.ndarray
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted, model.predict_on_batch(X))
    with torch.no_grad():
        np.testing.assert_allclose(predicted, model(torch.tensor(X).float()).numpy())


def test_predict_needs_no_compile() -> None:
    assert Sequential([Dense(1)]).predict(X, verbose=0).shape == (10, 1)


def test_batches_by_hand() -> None:
    model = linear(metrics=["mae"])
    before = model.test_on_batch(X, Y, return_dict=True)
    told = model.train_on_batch(X, Y, return_dict=True)
    after = model.test_on_batch(X, Y, return_dict=True)
    assert told == before
    assert after["loss"] < before["loss"]
    assert model.train_on_batch(X, Y, sample_weight=np.zeros(10))[0] == 0.0
    assert model.test_on_batch(X, Y) == [after["loss"], after["mae"]]


def test_batches_by_hand_count_no_epochs_and_tell_nobody() -> None:
    model = Sequential([Dense(1)])
    model.compile("adam", "mse")
    model.train_on_batch(X, Y)
    assert model.history is None
    assert model.optimizer is not None
    assert model.optimizer.iterations == 1


# --- what stands on the screen ---------------------------------------------------------------


def test_silence(capsys: pytest.CaptureFixture[str]) -> None:
    model = linear()
    model.fit(X, Y, verbose=0, validation_data=(X, Y))
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", ["auto", 1, 2, True])
def test_a_fit_says_how_it_goes(verbose: Any, capsys: pytest.CaptureFixture[str]) -> None:
    linear().fit(X, Y, epochs=2, verbose=verbose)
    out, err = capsys.readouterr()
    assert "Epoch 2/2" in out
    assert "loss: " in out
    assert err == ""


def test_a_bar_the_user_passes_is_the_only_one(capsys: pytest.CaptureFixture[str]) -> None:
    linear().fit(X, Y, verbose=1, callbacks=[ProgbarLogger()])
    assert capsys.readouterr().out.count("Epoch 1/1") == 1


def test_a_verbosity_there_is_not() -> None:
    with pytest.raises(ArgumentError, match="verbose=3: 0 is silent, 1 a bar, 2 a line per epoch"):
        linear().fit(X, Y, verbose=3)


def test_a_base_logger_changes_no_result() -> None:
    torch.manual_seed(0)
    plain = linear().fit(X, Y, batch_size=4, epochs=2, verbose=0).history
    torch.manual_seed(0)
    logged = linear().fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=BaseLogger()).history
    assert logged["loss"] == pytest.approx(plain["loss"])


# --- what goes wrong -------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_a_model_that_is_not_compiled_says_so(method: str) -> None:
    with pytest.raises(NotReadyError, match=r"Sequential 'small' is not compiled. Call model.comp"):
        getattr(Sequential([Dense(1)], name="small"), method)(X, Y)


def test_a_model_without_a_loss_says_so() -> None:
    model = Sequential([Dense(1)])
    model.compile("sgd")
    with pytest.raises(NotReadyError, match="compiled without a loss"):
        model.fit(X, Y, verbose=0)


def test_a_misspelt_argument_is_an_error_that_guesses() -> None:
    with pytest.raises(ArgumentError, match=r"fit\(epoch=...\).*Did you mean 'epochs'\?"):
        linear().fit(X, Y, epoch=3)


@pytest.mark.parametrize("wrong", [{"epochs": -1}, {"initial_epoch": -2}])
def test_epochs_count_from_0(wrong: dict[str, int]) -> None:
    with pytest.raises(ArgumentError, match="epochs and initial_epoch are whole numbers from 0"):
        linear().fit(X, Y, verbose=0, **wrong)


def test_a_wrong_shape_names_the_layer_what_came_and_what_was_expected() -> None:
    model = Sequential([Dense(4, input_dim=3, name="first"), Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ShapeError, match=r"layer 'first' \(Dense\) expected .* is 3.*got .*10, 1"):
        model.fit(X, Y, verbose=0)


def test_targets_of_another_shape_are_an_error_that_names_both() -> None:
    with pytest.raises(ShapeError, match=r"y has shape \(10, 2\) and the model's output .*10, 1"):
        linear().fit(X, np.zeros((10, 2)), verbose=0)


def test_an_error_in_training_leaves_the_model_in_its_mode_and_tells_the_end() -> None:
    told, model = Told(), linear()

    def fail(batch: int, logs: Any) -> None:
        raise DataError("mine")

    model.eval()
    with pytest.raises(DataError, match="mine"):
        model.fit(X, Y, verbose=0, callbacks=[told, LambdaCallback(on_train_batch_end=fail)])
    assert not model.training
    assert told.hooks[-1] == "train_end"
