"""What scripts for Keras do with an optimizer: its steps, its variables, its configuration."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

import onfit
from onfit import optimizers
from onfit.callbacks import BackupAndRestore, Callback, LambdaCallback, SwapEMAWeights
from onfit.errors import ArgumentError, NotReadyError, ShapeError
from onfit.layers import Dense
from onfit.models import Sequential
from onfit.optimizers import SGD, Adam, schedules

X, Y = torch.arange(16.0).reshape(8, 2) / 16, torch.arange(8.0)[:, None] / 8


def model_with(optimizer: Any, **more: Any) -> Any:
    torch.manual_seed(0)
    model = Sequential([Dense(3, activation="tanh", input_shape=(2,)), Dense(1)])
    model.compile(optimizer, "mse", **more)
    return model


# --- steps by hand ---------------------------------------------------------------------------


def test_pairs_of_gradients_and_parameters_build_the_optimizer() -> None:
    first, second = torch.zeros(2), torch.zeros(3)
    optimizer = SGD(1.0)
    grads = [torch.ones(2), torch.ones(3)]
    steps = optimizer.apply_gradients(zip(grads, [first, second], strict=True))
    assert (steps, optimizer.built) == (1, True)
    optimizer.apply([torch.ones(3)], [second])  # a part, in any order
    assert first.tolist() == [-1.0, -1.0]
    assert second.tolist() == [-2.0, -2.0, -2.0]


def test_a_parameter_that_it_was_not_built_for_is_an_error() -> None:
    optimizer = Adam()
    optimizer.build([torch.zeros(2)])
    with pytest.raises(ArgumentError, match=r"shape \(3,\) that it was not built for"):
        optimizer.apply([torch.ones(3)], [torch.zeros(3)])


def test_a_torch_optimizer_takes_pairs_too() -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    optimizer = optimizers.get(torch.optim.SGD([weight], lr=1.0))
    optimizer.apply_gradients([(torch.ones(2), weight)])
    assert weight.tolist() == [-1.0, -1.0]


def test_a_train_step_may_apply_pairs() -> None:
    class Mine(Sequential):
        def train_step(self, data: Any) -> dict[str, Any]:
            x, y = data
            loss = self.compute_loss(y=y, y_pred=self(x))
            params = self.trainable_variables
            grads = torch.autograd.grad(loss, params)
            self.optimizer.apply_gradients(zip(grads, params, strict=True))
            return {"loss": loss}

    def fitted(kind: type[Sequential]) -> list[Any]:
        torch.manual_seed(0)
        model = kind([Dense(3, input_shape=(2,)), Dense(1)])
        model.compile(Adam(0.1), "mse")
        model.fit(X, Y, epochs=3, verbose=0, shuffle=False)
        return model.get_weights()

    for own, plain in zip(fitted(Mine), fitted(Sequential), strict=True):
        np.testing.assert_array_equal(own, plain)


# --- numbers that can be assigned to ---------------------------------------------------------


def test_rate_and_steps_are_numbers_and_variables() -> None:
    optimizer = SGD(0.5)
    optimizer.learning_rate.assign(0.25)
    optimizer.iterations.assign(7)
    assert (optimizer.learning_rate.numpy(), optimizer.iterations.numpy()) == (0.25, 7)
    assert optimizer.batches == 7


def test_with_accumulation_steps_are_fewer_than_batches() -> None:
    weight = torch.zeros(1)
    optimizer = SGD(1.0, gradient_accumulation_steps=2)
    optimizer.build([weight])
    seen = []
    for number in range(5):
        optimizer.apply([torch.full((1,), float(number))])
        seen.append((int(optimizer.iterations), float(weight)))
    assert seen == [(0, 0.0), (1, -0.5), (1, -0.5), (2, -3.0), (2, -3.0)]


def test_a_rate_may_be_a_function() -> None:
    rates = iter([0.5, 0.25, 0.25, 0.125])
    weight = torch.zeros(1)
    optimizer = SGD(lambda: next(rates))  # it is read once when it is made
    optimizer.build([weight])
    optimizer.apply([torch.ones(1)])
    assert weight.item() == -0.25


def test_variables_can_be_read_and_set() -> None:
    model = model_with(Adam(0.1, use_ema=True))
    model.fit(X, Y, verbose=0)
    kept = model.optimizer.get_weights()
    names = [variable.name for variable in model.optimizer.variables]
    assert names[:2] == ["iteration", "learning_rate"]
    assert names[2].endswith("_average")
    model.fit(X, Y, verbose=0)
    model.optimizer.set_weights(kept)
    for now, before in zip(model.optimizer.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(now, before)
    model.optimizer.variables[3].assign(np.ones_like(kept[3]))
    assert model.optimizer.get_weights()[3].min() == 1.0


def test_numbers_of_other_shapes_change_nothing() -> None:
    optimizer = Adam()
    with pytest.raises(NotReadyError, match="no parameters yet"):
        optimizer.set_weights([])
    optimizer.build([torch.zeros(2)])
    with pytest.raises(ShapeError, match="takes numbers of the shapes"):
        optimizer.set_weights(optimizer.get_weights()[:-1])
    with pytest.raises(ShapeError, match="momentum has shape"):
        optimizer.variables[2].assign(np.ones(3))


@pytest.mark.parametrize(
    "make",
    [lambda: Adam(0.1, use_ema=True), lambda: torch.optim.Adam, lambda: SGD(0.1, momentum=0.9)],
)
def test_a_state_dict_brings_an_optimizer_back(make: Any) -> None:
    model, weights = model_with(make()), None
    model.fit(X, Y, verbose=0, shuffle=False)
    weights, state = model.get_weights(), copy.deepcopy(model.optimizer.state_dict())
    model.fit(X, Y, verbose=0, shuffle=False)
    twin = model_with(make())
    twin.fit(X, Y, verbose=0)
    twin.set_weights(weights)
    twin.optimizer.load_state_dict(state)
    twin.fit(X, Y, verbose=0, shuffle=False)
    for one, other in zip(twin.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# --- configurations and names ----------------------------------------------------------------


def test_lower_case_names_are_the_classes() -> None:
    assert optimizers.adam is Adam
    assert optimizers.sgd is SGD
    assert type(optimizers.get("RMSPROP")) is optimizers.rmsprop


def test_a_dict_describes_an_optimizer() -> None:
    rate = {
        "class_name": "ExponentialDecay",
        "config": {"initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.5},
    }
    made = optimizers.get({"class_name": "Adam", "config": {"learning_rate": rate}})
    assert isinstance(made.schedule, schedules.ExponentialDecay)
    assert type(optimizers.deserialize(optimizers.serialize(made))) is Adam
    with pytest.raises(ArgumentError, match="'class_name' and 'config'"):
        optimizers.get({"learning_rate": 0.1})

    class Mine(SGD):
        pass

    own = optimizers.deserialize(optimizers.serialize(Mine(0.3)), {"Mine": Mine})
    assert (type(own), own.learning_rate) == (Mine, 0.3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"use_ema": True, "ema_momentum": 1.5}, "ema_momentum=1.5"),
        ({"use_ema": True, "ema_overwrite_frequency": 0}, "ema_overwrite_frequency=0"),
        ({"gradient_accumulation_steps": 1}, "gradient_accumulation_steps=1"),
        ({"gradient_accumulation_steps": 2.5}, "gradient_accumulation_steps=2.5"),
        ({"loss_scale_factor": 0.0}, "loss_scale_factor=0.0"),
        ({"nesterov": 1e-6}, "write decay=1e-06"),
        ({"clipnorms": 1.0}, "Did you mean 'clipnorm'"),
    ],
    ids=str,
)
def test_values_that_make_no_sense_are_errors(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=r"SGD\(") as caught:
        SGD(**options)
    assert said in str(caught.value)


def test_parameters_can_be_left_out_of_weight_decay() -> None:
    params = [torch.ones(1), torch.ones(1)]
    optimizer = SGD(0.1, weight_decay=1.0)
    optimizer.exclude_from_weight_decay(var_list=params[:1])
    optimizer.build(params)
    optimizer.apply([torch.zeros(1), torch.zeros(1)])
    assert [param.item() for param in params] == [1.0, pytest.approx(0.9)]
    with pytest.raises(ArgumentError, match="built already"):
        optimizer.exclude_from_weight_decay(var_list=params)


# --- averages and the end of a run -----------------------------------------------------------


def test_the_average_is_in_the_model_when_fit_has_ended() -> None:
    model = model_with(SGD(0.1, use_ema=True, ema_momentum=0.5))
    raw: list[Any] = []
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: raw.append(model.get_weights()))
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[look])
    averages = [average.numpy() for average in model.optimizer.slots["average"]]
    for weight, average, last in zip(model.get_weights(), averages, raw[-1], strict=True):
        np.testing.assert_array_equal(weight, average)
        assert not np.array_equal(weight, last)


OPTIONS = [
    {"use_ema": True, "ema_momentum": 0.6},
    {"gradient_accumulation_steps": 3},
    {"use_ema": True, "gradient_accumulation_steps": 2, "loss_scale_factor": 8.0, "decay": 0.1},
]


class PauseAt(Callback):
    """Pauses the training after so many batches."""

    stop_means = "pause"

    def __init__(self, batches: int | None) -> None:
        self.left = batches

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                self.request_stop("it is enough")


@pytest.mark.parametrize("batches", [3, 4, 7])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_run_that_was_paused_goes_on_to_the_last_bit(
    options: Any, batches: int, tmp_path: Any
) -> None:
    def trained(name: str, pause: int | None) -> list[Any]:
        model = model_with(Adam(0.05, **options))
        calls: list[Any] = [PauseAt(pause), BackupAndRestore(tmp_path / name, verbose=0)]
        if options.get("use_ema"):
            calls.insert(0, SwapEMAWeights(swap_on_epoch=True))
        held_out = {"validation_data": (X, Y), "verbose": 0}
        model.fit(X, Y, epochs=3, batch_size=3, shuffle=False, callbacks=calls, **held_out)
        return list(model.get_weights())

    whole, _ = trained("whole", None), trained("parts", batches)
    for one, other in zip(trained("parts", None), whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_optimizer_without_an_average_cannot_be_swapped() -> None:
    model = model_with("adam")
    with pytest.raises(ArgumentError, match=r"Adam\(use_ema=True\)"):
        model.fit(X, Y, verbose=0, callbacks=[SwapEMAWeights()])
    assert onfit.callbacks.SwapEMAWeights is SwapEMAWeights
    with pytest.raises(NotReadyError, match="use_ema=True"):
        model.optimizer.swap_average()


def test_a_prediction_sees_the_average_and_leaves_the_weights() -> None:
    model = model_with(SGD(0.2, use_ema=True, ema_momentum=0.9))
    for _ in range(5):
        model.train_on_batch(X, Y)
    before, plain = model.get_weights(), model.predict(X, verbose=0)
    averaged = model.predict(X, verbose=0, callbacks=[SwapEMAWeights()])
    assert not np.allclose(plain, averaged)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
