"""A user's torch optimizers behind onfit's interface: several, a rate that two set, a new start."""

import copy
import warnings

import pytest
import torch
from torch.optim import lr_scheduler

from onfit import Run, optimizers
from onfit.callbacks import LearningRateScheduler, ReduceLROnPlateau
from onfit.errors import ArgumentError, ArgumentTypeError, OnfitWarning
from onfit.models import Model
from onfit.optimizers import TorchOptimizer
from onfit.optimizers.wrapping.rate_watch import RateWatch

nn = torch.nn


def pair():
    net = nn.ModuleDict({"g": nn.Linear(2, 2), "d": nn.Linear(2, 1)})
    both = [
        torch.optim.Adam(net["g"].parameters(), lr=0.1),
        torch.optim.SGD(net["d"].parameters(), lr=0.4),
    ]
    return net, both


def rates(both):
    return [one.param_groups[0]["lr"] for one in both]


def said_of(train):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        train()
    return [str(one.message) for one in said if issubclass(one.category, OnfitWarning)]


# --- several optimizers ----------------------------------------------------------------------


def test_several_optimizers_have_one_rate_for_callbacks():
    net, both = pair()
    with Run(net, [LearningRateScheduler(lambda epoch, rate: rate / 2)], optimizer=both) as run:
        for _ in run.epochs():
            assert rates(both) == [0.05, 0.2]
            assert run.model.optimizer.learning_rate == 0.05
    assert run.model.optimizer.torch_optimizers == both


def test_fit_steps_each_of_several_optimizers():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    twin = copy.deepcopy(net)
    x, y = torch.randn(8, 2), torch.randn(8, 1)

    def both_of(net):
        first = torch.optim.Adam(net[0].parameters(), lr=0.1)
        return [first, torch.optim.SGD(net[1].parameters(), lr=0.4)]

    model = Model(net)
    model.compile(both_of(net), "mse")
    model.fit(x, y, batch_size=8, epochs=3, verbose=0)
    both = both_of(twin)
    for _ in range(3):
        nn.functional.mse_loss(twin(x), y).backward()
        for one in both:
            one.step()
            one.zero_grad()
    for mine, its in zip(net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine, its)


def test_the_ratio_of_several_rates_outlives_a_rate_of_0():
    net, both = pair()
    face = Run(net, optimizer=tuple(both)).model.optimizer
    face.learning_rate = 0.0
    assert rates(both) == [0.0, 0.0]
    face.learning_rate = 1.0
    assert rates(both) == [1.0, 4.0]


def test_all_of_several_optimizers_move_weights_of_the_model():
    net, both = pair()
    with pytest.raises(ArgumentError, match=r"optimizer=SGD.*none of this model's.*ModuleDict"):
        Run(net["g"], optimizer=both)


@pytest.mark.parametrize("wrong", ["sgd", 3, optimizers.SGD(0.1), torch.optim.SGD])
def test_a_list_of_optimizers_holds_torch_optimizers_alone(wrong):
    net, both = pair()
    with pytest.raises(ArgumentTypeError, match=r"torch optimizers over"):
        Run(net, optimizer=[both[0], wrong])


def test_an_empty_list_of_optimizers_is_an_error():
    with pytest.raises(ArgumentError, match="empty"):
        Run(pair()[0], optimizer=[])


# --- a rate that two set ---------------------------------------------------------------------


def loop(callback, make_scheduler, by_batch=False, epochs=5):
    net = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    scheduler = make_scheduler(optimizer)
    with Run(net, [callback], optimizer=optimizer, epochs=epochs) as run:
        for _ in run.epochs():
            for batch in run.batches([torch.ones(1, 2)] * 2):
                net(batch).mean().backward()
                optimizer.step()
                if by_batch:
                    scheduler.step()
            if not by_batch:
                scheduler.step()
            run.log(v=1.0)


def reduce():
    return ReduceLROnPlateau("v", patience=1, factor=0.1, mode="min")


@pytest.mark.parametrize("by_batch", [True, False])
@pytest.mark.parametrize("callback", [reduce, lambda: LearningRateScheduler(lambda epoch: 0.1)])
def test_a_scheduler_that_undoes_a_callbacks_rate_is_named_once(callback, by_batch):
    said = said_of(
        lambda: loop(callback(), lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 1.0), by_batch)
    )
    assert len(said) == 1
    assert "learning rate of SGD is set by two" in said[0]
    assert "torch scheduler" in said[0]


@pytest.mark.parametrize(
    "make",
    [
        lambda o: lr_scheduler.ExponentialLR(o, 0.9),
        lambda o: lr_scheduler.StepLR(o, 2, 0.5),
        lambda o: lr_scheduler.MultiStepLR(o, [2]),
        lambda o: lr_scheduler.CosineAnnealingLR(o, 10),
        lambda o: lr_scheduler.ConstantLR(o, 1.0),
    ],
)
def test_a_scheduler_that_goes_on_from_the_callbacks_rate_is_not(make):
    assert said_of(lambda: loop(reduce(), make)) == []


def test_a_rate_that_the_loop_itself_sets_back_is_named():
    net = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)

    def train():
        with Run(net, [reduce()], optimizer=optimizer, epochs=4) as run:
            for _ in run.epochs():
                optimizer.param_groups[0]["lr"] = 1.0
                run.log(v=1.0)

    assert "set by the loop or a scheduler" in said_of(train)[0]


def test_a_rate_that_is_set_between_two_trainings_is_not():
    net = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)

    def train():
        face = TorchOptimizer(optimizer)
        for _ in range(2):
            face.build(list(net.parameters()))
            face.learning_rate = 0.1
            optimizer.param_groups[0]["lr"] = 1.0

    assert said_of(train) == []


@pytest.mark.parametrize(
    ("before", "now", "found", "undone"),
    [
        (1.0, 0.1, 1.0, True),
        (1.0, 0.1, 0.9, True),
        (1.0, 0.1, 0.1, False),
        (1.0, 0.1, 0.05, False),
        (0.1, 1.0, 0.1, True),
        (1.0, 0.0, 1.0, True),
        (0.0, 1.0, 0.5, False),
        (1.0, 1.0, 2.0, False),
    ],
)
def test_what_counts_as_undone(before, now, found, undone):
    watch = RateWatch()
    watch.changed(before, now)
    assert watch.undone(found) == undone


# --- a new start -----------------------------------------------------------------------------

OURS = [
    optimizers.SGD(0.1, momentum=0.9),
    optimizers.RMSprop(0.1),
    optimizers.Adagrad(0.1, initial_accumulator_value=0.3),
    optimizers.Adadelta(0.1),
    optimizers.Adam(0.1, amsgrad=True),
    optimizers.AdamW(0.1),
    optimizers.Adamax(0.1),
    optimizers.Nadam(0.1),
]


def steps(optimizer, value, count=2):
    weight = value.clone()
    optimizer.build([weight])
    for _ in range(count):
        optimizer.apply([weight * 0.5])
    return weight


@pytest.mark.parametrize("optimizer", OURS, ids=lambda one: type(one).__name__)
def test_an_optimizer_that_was_reset_steps_like_a_new_one(optimizer):
    new = type(optimizer).from_config(optimizer.get_config())
    weight = torch.tensor([1.0, -2.0])
    optimizer.build([weight])
    optimizer.apply([torch.tensor([float("nan"), 3.0])])
    weight.copy_(torch.tensor([1.0, -2.0]))
    optimizer.reset_state()
    for _ in range(2):
        optimizer.apply([weight * 0.5])
    assert torch.equal(weight, steps(new, torch.tensor([1.0, -2.0])))
    assert optimizer.iterations == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9),
        lambda params: torch.optim.Adam(params, lr=0.1),
        lambda params: torch.optim.Adagrad(params, lr=0.1, initial_accumulator_value=0.3),
        lambda params: torch.optim.RMSprop(params, lr=0.1, momentum=0.5),
        lambda params: torch.optim.Adadelta(params),
        lambda params: torch.optim.NAdam(params),
    ],
)
def test_a_torch_optimizer_that_was_reset_steps_like_a_new_one(make):
    def trained(reset):
        weight = torch.tensor([1.0, -2.0])
        face = TorchOptimizer(make([weight]))
        face.build([weight])
        if reset:
            face.apply([torch.tensor([float("nan"), 3.0])])
            weight.copy_(torch.tensor([1.0, -2.0]))
            face.reset_state()
        for _ in range(2):
            face.apply([weight * 0.5])
        return weight

    assert torch.equal(trained(reset=True), trained(reset=False))


def test_several_optimizers_are_reset_together():
    net, both = pair()
    face = Run(net, optimizer=both).model.optimizer
    net["d"](net["g"](torch.ones(1, 2))).sum().backward()
    for one in both:
        one.step()
    face.reset_state()
    assert [dict(one.state) for one in both] == [{}, {}]


def test_a_rate_of_ones_own_stays_when_an_optimizer_is_reset():
    optimizer = optimizers.Adam(0.1)
    optimizer.learning_rate = 0.02
    optimizer.reset_state()
    assert optimizer.learning_rate == 0.02
