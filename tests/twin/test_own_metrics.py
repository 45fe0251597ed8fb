"""Metrics in Keras' form: one class body, over the base class of Keras and over onfit's."""

from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.twin.keras_twin import KERAS, ONFIT, hidden, make_data, same_start, tolerant_of_keras

import onfit
from onfit import metrics
from onfit.callbacks import BackupAndRestore, Callback
from onfit.errors import ArgumentError, ArgumentTypeError

pytestmark = tolerant_of_keras

DATA = make_data()
FIT: dict[str, Any] = {"batch_size": 16, "shuffle": False, "verbose": 0}


def within(base: Any) -> Any:
    """A metric that counts outputs near their targets; some numbers have samples' weights."""

    class Within(base):  # type: ignore[misc]
        def __init__(self, limit: float = 0.5, name: str = "within", **more: Any) -> None:
            super().__init__(name=name, **more)
            self.limit = limit
            self.near = self.add_weight(name="near", initializer="zeros")
            self.seen = self.add_variable(shape=(), initializer="zeros", name="seen")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            near = (abs(y_true - y_pred) < self.limit) * 1.0
            if sample_weight is not None:
                near = near * sample_weight.reshape(-1, 1)
            self.near.assign_add(near.sum())
            self.seen.assign_add(float(len(y_true)))

        def result(self) -> Any:
            return self.near / self.seen

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "limit": self.limit}

    return Within


MINE = within(metrics.Metric)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_measures_in_fit_and_evaluate_as_in_keras(weighted: bool) -> None:
    found = []
    for lib, base, model in zip(
        (KERAS, ONFIT),
        (keras.metrics.Metric, metrics.Metric),
        same_start(lambda lib: hidden(lib, 1)),
        strict=True,
    ):
        given = {"weighted_metrics" if weighted else "metrics": [within(base)()]}
        model.compile(lib.optimizers.SGD(0.05), "mse", **given)
        history = model.fit(
            DATA.x, DATA.real, epochs=3, sample_weight=DATA.weight,
            validation_data=(DATA.x, DATA.real, DATA.weight), **FIT,
        )  # fmt: skip
        found.append(history.history)
    for name in ("within", "val_within"):
        np.testing.assert_allclose(found[1][name], found[0][name], rtol=1e-5)


def test_by_hand_it_adds_up_until_it_is_reset() -> None:
    metric = MINE()
    metric.update_state(np.zeros((2, 1)), np.array([[0.1], [0.9]]))
    metric.update_state(np.zeros((2, 1)), np.zeros((2, 1)))
    assert float(metric.result()) == 0.75
    metric.reset_states()
    assert [float(v) for v in metric.variables] == [0.0, 0.0]


def test_it_comes_back_from_a_file(tmp_path: Any) -> None:
    model = hidden(ONFIT, 1)
    model.compile("sgd", "mse", metrics=[MINE(0.25)])
    model.save(tmp_path / "x.keras")
    again = onfit.load_model(tmp_path / "x.keras", custom_objects={"Within": MINE})
    assert again.compiled.metrics[0].limit == 0.25


def test_keras_2s_names_and_places() -> None:
    class Old(metrics.Metric):
        def __init__(self) -> None:
            super().__init__(name="old")
            self.n = self.add_weight("n", initializer="ones")
            self.resets = 0

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            self.n.assign_sub(1.0)

        def result(self) -> Any:
            return self.n

        def reset_states(self) -> None:
            self.resets += 1
            self.n.assign(7.0)

    metric = Old()
    assert (metric.n.name, float(metric(None, None))) == ("n", 0.0)
    metric.reset_state()
    assert (metric.resets, metric.n.numpy()) == (1, 7.0)


def both_errors(base: Any) -> Any:
    """A metric whose result is a dict."""

    class Errors(base):  # type: ignore[misc]
        def __init__(self, name: str = "errors", **more: Any) -> None:
            super().__init__(name=name, **more)
            self.sums = [self.add_variable(shape=(), name=n, initializer="zeros") for n in "abc"]

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            weight = 1.0 if sample_weight is None else sample_weight.reshape(-1, 1)
            far = (y_true - y_pred) * weight
            for one, value in zip(
                self.sums, (abs(far).sum(), (far * far).sum(), float(len(y_true))), strict=True
            ):
                one.assign_add(value)

        def result(self) -> Any:
            absolute, square, count = self.sums
            return {"my_mae": absolute / count, "my_mse": square / count}

        def reset_state(self) -> None:
            for one in self.sums:
                one.assign(0.0)

    return Errors


@pytest.mark.parametrize("weighted", [False, True])
def test_a_dict_is_logged_under_its_keys_as_in_keras(weighted: bool, tmp_path: Any) -> None:
    found, ours = [], both_errors(metrics.Metric)
    for lib, kind, model in zip(
        (KERAS, ONFIT),
        (both_errors(keras.metrics.Metric), ours),
        same_start(lambda lib: hidden(lib, 1)),
        strict=True,
    ):
        given = {"weighted_metrics" if weighted else "metrics": [kind()]}
        model.compile(lib.optimizers.SGD(0.05), "mse", **given)
        history = model.fit(
            DATA.x, DATA.real, epochs=3, sample_weight=DATA.weight,
            validation_data=(DATA.x, DATA.real, DATA.weight), **FIT,
        )  # fmt: skip
        found.append(history.history)
    assert found[1].keys() == found[0].keys() >= {"my_mae", "val_my_mse"}
    for name in found[0]:
        np.testing.assert_allclose(found[1][name], found[0][name], rtol=1e-5)
    model.save(tmp_path / "x.keras")
    again = onfit.load_model(tmp_path / "x.keras", custom_objects={"Errors": ours})
    assert again.metrics_names == model.metrics_names == ["loss", "my_mae", "my_mse"]
    assert again.metric_direction("val_my_mse") == "min"


def test_a_vector_is_refused_in_a_log_and_free_by_hand() -> None:
    class Several(metrics.Metric):
        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            pass

        def result(self) -> Any:
            return torch.ones(3)

    assert len(Several()(None, None)) == 3
    model = hidden(ONFIT, 1)
    model.compile("sgd", "mse", metrics=[Several()])
    with pytest.raises(ArgumentError, match=r"numbers of shape \(3,\).*Give a dict of numbers"):
        model.fit(DATA.x, DATA.real, verbose=0)


def test_a_weighted_metric_that_takes_no_weights_is_an_error() -> None:
    class Plain(metrics.Metric):
        def update_state(self, y_true: Any, y_pred: Any) -> None:  # type: ignore[override]
            pass

    with pytest.raises(ArgumentError, match=r"update_state\(\) of Plain takes no sample_weight"):
        hidden(ONFIT, 1).compile("sgd", "mse", weighted_metrics=[Plain()])


def test_a_function_in_the_place_of_the_name_is_an_error() -> None:
    with pytest.raises(ArgumentTypeError, match="MeanMetricWrapper"):
        metrics.Metric(None, lambda y_true, y_pred: 0.0)  # type: ignore[arg-type]


# --- metrics that a model's author keeps -----------------------------------------------------


def tracked(lib: Any, base: Any, mean: Any) -> Any:
    """A model with the guides' `train_step`, whose metrics are its own."""

    class Tracked(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.dense = lib.layers.Dense(1)
            self.total_tracker = mean(name="total_loss")
            self.far = keras.metrics.MeanAbsoluteError() if lib is KERAS else metrics.get("mae")

        @property
        def metrics(self) -> list[Any]:
            return [self.total_tracker, self.far]

        def call(self, x: Any) -> Any:
            return self.dense(x)

        def train_step(self, data: Any) -> dict[str, Any]:
            return self.both(data, trains=True)

        def test_step(self, data: Any) -> dict[str, Any]:
            return self.both(data, trains=False)

        def both(self, data: Any, trains: bool) -> dict[str, Any]:
            x, y = data
            y_pred = self(x)
            loss = ((y_pred - y) ** 2).mean()
            if trains:
                weights = self.trainable_weights
                values = [getattr(weight, "value", weight) for weight in weights]
                grads = torch.autograd.grad(loss, values)
                with torch.no_grad():
                    self.optimizer.apply_gradients(zip(grads, weights, strict=True))
            self.total_tracker.update_state(loss.detach())
            self.far.update_state(y, y_pred.detach())
            return {"loss": self.total_tracker.result(), "mae": self.far.result()}

    return Tracked()


def of_onfit() -> Any:
    return tracked(ONFIT, onfit.Model, metrics.Mean)


def test_the_guides_trackers_log_their_own_values_as_in_keras() -> None:
    models = [tracked(KERAS, keras.Model, keras.metrics.Mean), of_onfit()]
    for model in models:
        model(torch.as_tensor(DATA.x))
    models[1].set_weights(models[0].get_weights())
    found = []
    for lib, model in zip((KERAS, ONFIT), models, strict=True):
        model.compile(lib.optimizers.SGD(0.05))
        history = model.fit(DATA.x, DATA.real, epochs=3, validation_data=(DATA.x, DATA.real), **FIT)
        found.append(history.history)
    assert set(found[0]) == set(found[1])
    for name, values in found[0].items():
        np.testing.assert_allclose(found[1][name], values, rtol=1e-4, err_msg=name)


class PauseAt(Callback):
    """Pauses the training after so many batches."""

    stop_means = "pause"

    def __init__(self, batches: int) -> None:
        self.left = batches

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.left -= 1
        if self.left == 0:
            self.request_stop("it is enough")


def compiled_with_its_own() -> Any:
    model = hidden(ONFIT, 1)
    model.compile("sgd", "mse", metrics=[MINE()])
    return model


def with_trackers() -> Any:
    model = of_onfit()
    model(torch.as_tensor(DATA.x))
    model.compile("sgd")
    return model


@pytest.mark.parametrize("make", [compiled_with_its_own, with_trackers])
def test_a_run_paused_within_an_epoch_keeps_what_was_counted(make: Any, tmp_path: Any) -> None:
    def trained(name: str, pause: int) -> dict[str, Any]:
        torch.manual_seed(3)
        model = make()
        calls = [PauseAt(pause), BackupAndRestore(tmp_path / name, verbose=0)]
        history = model.fit(DATA.x, DATA.real, epochs=2, callbacks=calls, **FIT)
        return dict(history.history)

    whole, _ = trained("whole", 0), trained("parts", 6)
    assert trained("parts", 0) == whole
