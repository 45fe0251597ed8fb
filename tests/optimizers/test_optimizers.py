import copy
import functools
import pickle
from typing import Any

import numpy as np
import pytest
import torch

from onfit import optimizers
from onfit.errors import ArgumentError, ArgumentTypeError, NotReadyError, OnfitWarning
from onfit.layers import Dense
from onfit.models import Model, Sequential

X, Y = torch.ones(4, 2), torch.ones(4, 1)


def model_with(optimizer: Any) -> Sequential:
    model = Sequential([Dense(3, input_dim=2), Dense(1)])
    model.compile(optimizer, "mse")
    return model


def weights_after(optimizer: Any, epochs: int = 3) -> list[Any]:
    torch.manual_seed(0)
    model = model_with(optimizer)
    model.fit(X, Y, epochs=epochs, verbose=0)
    return model.get_weights()


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sgd", "SGD", "RMSprop", "rmsprop", "Adam", "adam"])
def test_an_optimizer_goes_by_name_in_any_case(name: str) -> None:
    assert type(optimizers.get(name)).__name__.lower() == name.lower()


def test_a_misspelt_optimizer_is_an_error_that_guesses() -> None:
    with pytest.raises(ArgumentError, match=r"optimizer='adm' is not known.*Did you mean 'adam'"):
        optimizers.get("adm")


def test_a_class_of_ours_stands_for_its_defaults() -> None:
    assert optimizers.get(optimizers.Adam).learning_rate == 0.001


def test_what_is_no_optimizer_is_an_error() -> None:
    with pytest.raises(ArgumentTypeError, match="optimizer is a name, an optimizer, or a factory"):
        optimizers.get(0.1)


def test_a_misspelt_argument_is_an_error_that_guesses() -> None:
    with pytest.raises(ArgumentError, match=r"Adam\(beta1=...\).*Did you mean 'beta_1'\?"):
        optimizers.Adam(beta1=0.9)


def test_momentum_is_from_0_to_1() -> None:
    with pytest.raises(ArgumentError, match=r"SGD\(momentum=2\): momentum is from 0 to 1"):
        optimizers.SGD(momentum=2)


@pytest.mark.parametrize(
    "optimizer",
    [
        optimizers.SGD(0.5, momentum=0.25, nesterov=True),
        optimizers.RMSprop(0.5, rho=0.25, momentum=0.5, epsilon=1e-3, centered=True),
        optimizers.Adam(0.5, beta_1=0.25, beta_2=0.5, epsilon=1e-3, amsgrad=True),
    ],
    ids=lambda optimizer: optimizer.name,
)
def test_a_config_makes_the_same_again(optimizer: optimizers.Optimizer) -> None:
    config = optimizer.get_config()
    again = type(optimizer)(**config)
    assert again.get_config() == config
    assert "learning_rate" in config


# --- the learning rate -----------------------------------------------------------------------


def test_the_rate_can_be_read_and_set_before_the_model_is_built() -> None:
    model = Sequential([Dense(1)])
    model.compile("adam", "mse")
    assert model.optimizer is not None
    assert model.optimizer.learning_rate == 0.001
    model.optimizer.learning_rate = 0.25
    model.fit(X, Y, verbose=0)
    assert model.optimizer.learning_rate == 0.25
    model.optimizer.learning_rate.assign(0.5)
    assert model.optimizer.lr == 0.5
    model.optimizer.lr = 0.125
    assert model.optimizer.learning_rate.value == 0.125
    assert model.optimizer.learning_rate.numpy() == 0.125


def test_lr_is_the_older_name_of_the_argument() -> None:
    assert optimizers.SGD(lr=0.5).learning_rate == 0.5


@pytest.mark.parametrize("value", [-0.1, float("nan"), "fast", None])
def test_a_rate_is_a_number_from_0(value: Any) -> None:
    with pytest.raises(ArgumentError, match="a learning rate is a number from 0 upwards"):
        optimizers.SGD(value)
    optimizer = optimizers.SGD(0.5)
    with pytest.raises(ArgumentError, match="a learning rate is a number from 0 upwards"):
        optimizer.learning_rate = value
    assert optimizer.learning_rate == 0.5


@pytest.mark.parametrize("value", [1, np.float32(0.5), np.array(0.5), torch.tensor(0.5)])
def test_a_rate_may_be_a_scalar_of_any_kind(value: Any) -> None:
    optimizer = optimizers.SGD(value)
    assert type(optimizer.learning_rate.value) is float


def test_a_rate_that_was_read_does_not_change_with_the_optimizer() -> None:
    optimizer = optimizers.SGD(0.5)
    read = optimizer.learning_rate
    optimizer.learning_rate = 0.25
    assert read == 0.5
    assert type(copy.deepcopy(read)) is type(pickle.loads(pickle.dumps(read))) is float


# --- state -----------------------------------------------------------------------------------


def test_steps_are_counted() -> None:
    model = model_with("sgd")
    model.fit(X, Y, batch_size=2, epochs=3, verbose=0)
    assert model.optimizer is not None
    assert model.optimizer.iterations == 6


@pytest.mark.parametrize(
    "make",
    [
        functools.partial(optimizers.SGD, 0.1, momentum=0.9),
        functools.partial(optimizers.RMSprop, momentum=0.5, centered=True),
        functools.partial(optimizers.Adam, amsgrad=True),
    ],
    ids=["sgd", "rmsprop", "adam"],
)
def test_a_state_put_back_goes_on_exactly(make: Any) -> None:
    first = model_with(make())
    first.fit(X, Y, epochs=3, verbose=0)
    second = model_with(make())
    second.set_weights(first.get_weights())
    assert first.optimizer is not None
    assert second.optimizer is not None
    second.optimizer.build(list(second.parameters()))
    second.optimizer.load_state(first.optimizer.iterations, first.optimizer.state())
    for model in (first, second):
        model.fit(X, Y, epochs=2, verbose=0)
    for mine, theirs in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_state_of_other_parameters_is_an_error() -> None:
    optimizer = optimizers.SGD(momentum=0.9)
    optimizer.build([torch.zeros(2)])
    with pytest.raises(NotReadyError, match=r"other parameters: it has shapes \[\(3,\)\]"):
        optimizer.load_state(1, [torch.zeros(3)])


def test_parameters_without_a_gradient_stay_as_they_are() -> None:
    used, unused = torch.ones(1), torch.ones(1)
    optimizer = optimizers.SGD(0.5, momentum=0.5)
    optimizer.build([unused, used])
    for _ in range(2):
        optimizer.apply([None, torch.ones(1)])
    assert unused.tolist() == [1.0]
    assert used.tolist() == [1.0 - 0.5 - 0.75]


# --- torch's optimizers ----------------------------------------------------------------------


def test_a_torch_optimizer_steps_by_its_own_arithmetic() -> None:
    torch.manual_seed(0)
    model = Sequential([Dense(3, input_dim=2), Dense(1)])
    reference = copy.deepcopy(model)
    model.compile(torch.optim.AdamW(model.parameters(), lr=0.1), "mse")
    model.fit(X, Y, epochs=3, verbose=0)
    optimizer = torch.optim.AdamW(reference.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(reference(X), Y).backward()
        optimizer.step()
    for mine, theirs in zip(model.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    "factory",
    [
        torch.optim.SGD,
        functools.partial(torch.optim.SGD, lr=0.001),
        lambda parameters: torch.optim.SGD(parameters, lr=0.001),
    ],
    ids=["class", "partial", "function"],
)
def test_a_factory_gets_the_parameters_when_the_model_is_built(factory: Any) -> None:
    for mine, theirs in zip(
        weights_after(factory), weights_after(optimizers.SGD(0.001)), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def test_a_factorys_rate_is_not_known_before_the_model_is_built() -> None:
    model = model_with(torch.optim.SGD)
    assert model.optimizer is not None
    with pytest.raises(NotReadyError, match="made when the model is built: call fit"):
        _ = model.optimizer.learning_rate
    model.fit(X, Y, verbose=0)
    assert model.optimizer.learning_rate == 0.001


def test_an_optimizer_of_another_model_is_an_error() -> None:
    other = torch.nn.Linear(2, 1)
    model = model_with(torch.optim.SGD(other.parameters(), lr=0.1))
    with pytest.raises(ArgumentError, match=r"optimizer=SGD.*none of this model's. Make it with"):
        model.fit(X, Y, verbose=0)


def test_setting_the_rate_scales_all_groups() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
    groups = [{"params": net[0].parameters()}, {"params": net[1].parameters(), "lr": 0.01}]
    given = torch.optim.SGD(groups, lr=0.1)
    model = Model(net)
    model.compile(given, "mse")
    assert model.optimizer is not None
    assert model.optimizer.learning_rate == 0.1
    model.optimizer.learning_rate = 0.05
    assert [group["lr"] for group in given.param_groups] == pytest.approx([0.05, 0.005])
    model.optimizer.learning_rate = 0.0  # as at the start of a warm-up
    model.optimizer.learning_rate = 0.2
    assert [group["lr"] for group in given.param_groups] == pytest.approx([0.2, 0.02])


def test_a_rate_that_is_a_tensor_is_filled() -> None:
    rate = torch.tensor(0.5)
    parameter = torch.nn.Parameter(torch.ones(1))
    optimizer = optimizers.get(torch.optim.SGD([parameter], lr=rate))
    optimizer.learning_rate = 0.25
    assert float(rate) == 0.25


# --- frozen layers ---------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", torch.optim.SGD], ids=["ours", "torch factory"])
def test_a_layer_freed_later_is_trained(optimizer: Any) -> None:
    model = model_with(optimizer)
    model.layers[0].trainable = False
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    frozen = model.get_weights()
    np.testing.assert_array_equal(frozen[0], before[0])
    assert not np.array_equal(frozen[2], before[2])
    model.layers[0].trainable = True
    model.fit(X, Y, verbose=0)
    assert not np.array_equal(model.get_weights()[0], before[0])


@pytest.mark.parametrize("kind", ["sgd", "torch factory", "torch instance"])
def test_a_model_frozen_altogether_can_be_fitted(kind: str) -> None:
    model = model_with("sgd")
    if kind != "sgd":
        given = torch.optim.SGD
        model.compile(given(model.parameters()) if kind == "torch instance" else given, "mse")
    for layer in model.layers:
        layer.trainable = False
    before = model.get_weights()
    with pytest.warns(OnfitWarning, match="no trainable weights"):
        fitted = model.fit(X, Y, epochs=2, verbose=0)
    assert len(fitted.history["loss"]) == 2
    for mine, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_adam_takes_a_gradient_of_another_memory_layout_for_what_it_is() -> None:
    plain = torch.arange(24.0).reshape(2, 3, 4).requires_grad_()
    turned = plain.detach().clone().requires_grad_()
    grad = torch.linspace(-1, 1, 24).reshape(2, 3, 4)
    other_layout = grad.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    assert other_layout.stride() != grad.stride()
    for param, given in ((plain, grad), (turned, other_layout)):
        adam = optimizers.Adam()
        adam.build([param])
        with torch.no_grad():
            adam.apply([given])
    assert torch.equal(plain, turned)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["row by row", "column by column"])
def test_adam_steps_alike_however_a_parameter_lies_in_memory(order: tuple[int, int]) -> None:
    def laid_out(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.permute(order).contiguous().permute(order)

    numbers, grads = torch.linspace(-2, 2, 15).reshape(5, 3), torch.linspace(-1, 1, 30)
    param, plain = laid_out(numbers).requires_grad_(), numbers.clone().requires_grad_()
    adam, expected = optimizers.Adam(0.1), torch.optim.Adam([plain], 0.1, eps=0.0)
    adam.epsilon = 0.0
    adam.build([param])
    for grad in grads.reshape(2, 5, 3):
        plain.grad = grad.clone()
        expected.step()
        with torch.no_grad():
            adam.apply([laid_out(grad)])
    torch.testing.assert_close(param, plain)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam_goes_on_when_a_parameter_is_moved_to_another_memory_layout(amsgrad: bool) -> None:
    numbers, grads = torch.linspace(-2, 2, 48).reshape(2, 2, 3, 4), torch.linspace(-1, 1, 192)
    moved, plain = (torch.nn.Parameter(numbers.clone()) for _ in range(2))
    adams = [optimizers.Adam(0.1, amsgrad=amsgrad) for _ in range(2)]
    for param, adam in zip((moved, plain), adams, strict=True):
        adam.build([param])
        with torch.no_grad():
            for step, grad in enumerate(grads.reshape(4, 2, 2, 3, 4)):
                adam.apply([grad])
                if step == 1 and param is moved:
                    param.data = param.data.to(memory_format=torch.channels_last)
    assert moved.stride() != plain.stride()
    assert torch.equal(moved, plain)


def test_adam_refuses_a_slice_whose_step_would_change_its_neighbours() -> None:
    whole = torch.ones(4, 5)
    sliced = torch.nn.Parameter(whole[:, :3])
    with pytest.raises(ArgumentError, match=r"Adam: .*shape \(4, 3\).*slice\.clone\(\)"):
        optimizers.Adam().build([sliced])
    optimizers.Adam().build([torch.nn.Parameter(whole[:3])])


def test_an_optimizer_that_has_trained_one_model_refuses_another() -> None:
    shared = optimizers.SGD()
    for _ in range(2):
        model = Sequential([Dense(1, input_dim=2)])
        model.compile(shared, "mse")
        if shared.iterations:
            with pytest.raises(ArgumentError, match="has taken 1 steps for another model"):
                model.fit(np.zeros((4, 2)), np.zeros(4), verbose=0)
        else:
            model.fit(np.zeros((4, 2)), np.zeros(4), verbose=0)
