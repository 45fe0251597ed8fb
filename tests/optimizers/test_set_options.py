"""Options of optimizers that are set in mid-training."""

import pytest
import torch

from onfit import optimizers
from onfit.errors import ArgumentError


def steps(optimizer: optimizers.Optimizer, param: torch.Tensor, count: int) -> torch.Tensor:
    for _ in range(count):
        optimizer.apply([torch.ones(2)])
    return param.clone()


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (optimizers.SGD, "momentum", 0.9),
        (optimizers.SGD, "weight_decay", 0.5),
        (optimizers.SGD, "clipnorm", 0.1),
        (optimizers.Adam, "beta_1", 0.1),
        (optimizers.Adam, "epsilon", 1.0),
    ],
)
def test_an_option_acts_from_the_next_step_on(kind, name, value):
    plain, changed = torch.ones(2), torch.ones(2)
    one, other = kind(0.1), kind(0.1)
    one.build([plain])
    other.build([changed])
    assert torch.equal(steps(one, plain, 2), steps(other, changed, 2))
    setattr(other, name, value)
    assert int(other.iterations) == 2
    assert not torch.equal(steps(one, plain, 3), steps(other, changed, 3))


def test_state_that_an_option_needs_is_there():
    adam = optimizers.Adam(0.1)
    param = torch.ones(2)
    adam.build([param])
    steps(adam, param, 1)
    adam.amsgrad = True
    assert list(adam.slots) == ["momentum", "velocity", "velocity_hat"]
    steps(adam, param, 1)


def test_what_the_constructor_refuses_is_refused():
    sgd = optimizers.SGD(0.1)
    with pytest.raises(ArgumentError, match="momentum"):
        sgd.momentum = 2.0
    assert sgd.momentum == 0.0
    with pytest.raises(ArgumentError, match="Did you mean 'learning_rate'"):
        sgd.learnig_rate = 0.1
    sgd.note = "free"
