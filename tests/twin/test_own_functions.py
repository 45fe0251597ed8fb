"""What a user's subclass writes around Keras' steps: `get_metrics_result`, `make_*_function`."""

import copy
from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.engine.model.test_resume import KillAt, Killed
from tests.twin.keras_twin import KERAS, ONFIT, make_data, same_start, tolerant_of_keras

import onfit
from onfit.callbacks import BackupAndRestore

pytestmark = tolerant_of_keras

DATA = make_data()
FIT: dict[str, Any] = {"batch_size": 16, "shuffle": False, "verbose": 0}
BASES = {"keras": (KERAS, keras.Model), "onfit": (ONFIT, onfit.Model)}


def net(lib: Any, base: Any, **methods: Any) -> Any:
    class Net(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.out = lib.layers.Dense(5, activation="tanh"), lib.layers.Dense(1)
            self.calls: dict[str, int] = {}

        def call(self, x: Any) -> Any:
            return self.out(self.hidden(x))

        def count(self, name: str) -> None:
            self.calls[name] = self.calls.get(name, 0) + 1

    return type("Own", (Net,), methods)()


def both(**methods: Any) -> tuple[Any, Any]:
    """The model in Keras and in onfit, from the same weights."""
    made = {name: net(*bases, **methods) for name, bases in BASES.items()}

    def build(lib: Any) -> Any:
        model = made["keras" if lib is KERAS else "onfit"]
        model(DATA.x if lib is ONFIT else keras.ops.convert_to_tensor(DATA.x))
        return model

    return same_start(build)


def assert_same_logs(theirs: Any, ours: Any, rtol: float = 1e-5) -> None:
    assert ours.keys() == theirs.keys()
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=rtol, err_msg=name)


def trained(model: Any, lib: Any, metrics: Any = ("mae", "mse")) -> dict[str, Any]:
    model.compile(lib.optimizers.SGD(0.05), "mse", metrics=list(metrics))
    history = model.fit(
        DATA.x, DATA.real, epochs=3, validation_data=(DATA.x[:20], DATA.real[:20]), **FIT
    )
    return history.history | {
        f"evaluated_{name}": value
        for name, value in model.evaluate(DATA.x, DATA.real, verbose=0, return_dict=True).items()
    }


# --- get_metrics_result ---------------------------------------------------------------------


def with_a_ratio(self: Any) -> dict[str, Any]:
    results = super(type(self), self).get_metrics_result()
    return {**results, "ratio": results["mae"] / results["loss"] ** 0.5}


def without_the_loss(self: Any) -> dict[str, Any]:
    results = super(type(self), self).get_metrics_result()
    return {"error": results["mae"] * 2, "nested": {"a": results["mse"], "b": 7.0}}


def test_a_result_of_ones_own_is_in_the_logs_as_it_is() -> None:
    found = [
        trained(model, lib)
        for model, lib in zip(both(get_metrics_result=with_a_ratio), (KERAS, ONFIT), strict=True)
    ]
    assert "val_ratio" in found[1]
    assert_same_logs(*found)


def test_a_result_of_ones_own_may_have_other_names() -> None:
    _, ours = both(get_metrics_result=without_the_loss)
    found = trained(ours, ONFIT)
    assert {"error", "val_error", "a", "b", "val_b"} <= found.keys()
    assert found["b"] == [7.0, 7.0, 7.0]
    plain = trained(both()[1], ONFIT)
    np.testing.assert_allclose(found["error"], np.multiply(plain["mae"], 2), rtol=1e-5)
    assert "loss" not in found


def test_it_changes_what_a_step_of_ones_own_returned() -> None:
    def step(self: Any, data: Any) -> dict[str, Any]:
        result: dict[str, Any] = super(type(self), self).train_step(data)
        return result

    def doubled(self: Any) -> dict[str, Any]:
        results = super(type(self), self).get_metrics_result()
        return {name: value * 2 for name, value in results.items()}

    found = [
        trained(model, lib)
        for model, lib in zip(
            both(train_step=step, get_metrics_result=doubled), (KERAS, ONFIT), strict=True
        )
    ]
    assert_same_logs(*found)


def test_a_step_of_ones_own_may_return_the_results_of_the_steps_of_keras() -> None:
    def step(self: Any, data: Any) -> dict[str, Any]:
        super(type(self), self).train_step(data)
        found: dict[str, Any] = self.get_metrics_result()
        return found

    found = [
        trained(model, lib)
        for model, lib in zip(both(train_step=step), (KERAS, ONFIT), strict=True)
    ]
    assert_same_logs(*found)


@pytest.mark.parametrize("kill", [2, 6, 7])
def test_a_run_with_results_of_ones_own_goes_on(tmp_path: Any, kill: int) -> None:
    start = both(get_metrics_result=with_a_ratio)[1]

    def fit(folder: str, *also: Any) -> Any:
        model = copy.deepcopy(start)
        model.compile("sgd", "mse", metrics=["mae", "mse"])
        backup = BackupAndRestore(tmp_path / folder, save_freq="batch", verbose=0)
        return model.fit(DATA.x, DATA.real, epochs=3, callbacks=[backup, *also], **FIT).history

    whole = fit("whole")
    with pytest.raises(Killed):
        fit("cut", KillAt(kill))
    assert fit("cut") == whole


# --- the functions of Keras -----------------------------------------------------------------


def counted(kind: str) -> Any:
    def make(self: Any, force: bool = False) -> Any:
        if getattr(self, f"{kind}_function") is not None and not force:
            return getattr(self, f"{kind}_function")
        getattr(super(type(self), self), f"make_{kind}_function")(force)
        inner = getattr(self, f"{kind}_function")

        def function(data: Any) -> Any:
            self.count(kind)
            return inner(data)

        setattr(self, f"{kind}_function", function)
        return function

    return make


def test_functions_of_ones_own_are_called_for_each_batch() -> None:
    kinds = ("train", "test", "predict")
    found = []
    for model, lib in zip(
        both(**{f"make_{kind}_function": counted(kind) for kind in kinds}),
        (KERAS, ONFIT),
        strict=True,
    ):
        logs = trained(model, lib)
        predicted = model.predict(DATA.x, batch_size=16, verbose=0)
        model.train_on_batch(DATA.x, DATA.real)
        model.test_on_batch(DATA.x, DATA.real)
        model.predict_on_batch(DATA.x)
        found.append((logs, predicted, model.calls))
    assert_same_logs(found[0][0], found[1][0])
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-5)
    assert found[1][2] == found[0][2]
    assert found[1][2]["train"] == 3 * 4 + 1


def test_a_function_that_is_set_is_called_until_the_model_is_compiled_again() -> None:
    found = []
    for model, lib in zip(both(), (KERAS, ONFIT), strict=True):
        model.compile(lib.optimizers.SGD(0.05), "mse")
        model.train_function = lambda data, model=model: {"mine": float(len(data[0][0]))}
        before = model.get_weights()
        logs = model.fit(DATA.x, DATA.real, **FIT).history
        assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
        model.compile(lib.optimizers.SGD(0.05), "mse")
        after = model.fit(DATA.x, DATA.real, **FIT).history
        found.append((set(logs), set(after)))
    assert found[0] == found[1] == ({"mine"}, {"loss"})


def test_it_may_be_set_on_a_model_of_onfits_own_class() -> None:
    model = ONFIT.Sequential([ONFIT.layers.Dense(1, input_dim=6)])
    model.compile("sgd", "mse")
    model.train_function = lambda data: {"mine": torch.tensor(3.0)}
    assert model.fit(DATA.x, DATA.real, **FIT).history == {"mine": [3.0]}
    model.train_function = None
    assert set(model.fit(DATA.x, DATA.real, **FIT).history) == {"loss"}
