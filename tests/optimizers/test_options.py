"""What all optimizers share: clipping, weight decay, schedules, names."""

import pickle
from typing import Any

import pytest
import torch
from torch import Tensor

from onfit import optimizers
from onfit.callbacks import LearningRateScheduler, ReduceLROnPlateau
from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.layers import Dense
from onfit.models import Sequential
from onfit.optimizers import Optimizer, schedules

X, Y = torch.ones(8, 2), torch.ones(8, 1)

ALL = {
    "SGD": optimizers.SGD,
    "RMSprop": optimizers.RMSprop,
    "Adagrad": optimizers.Adagrad,
    "Adadelta": optimizers.Adadelta,
    "Adam": optimizers.Adam,
    "AdamW": optimizers.AdamW,
    "Adamax": optimizers.Adamax,
    "Nadam": optimizers.Nadam,
    "Adafactor": optimizers.Adafactor,
    "Ftrl": optimizers.Ftrl,
    "Lamb": optimizers.Lamb,
    "Lion": optimizers.Lion,
}
each = pytest.mark.parametrize("kind", ALL.values(), ids=ALL)


def stepped(optimizer: Optimizer, *grads: Any, params: Any = None) -> list[list[float]]:
    """Parameters, 0 unless given, after one step along these gradients."""
    tensors = [torch.tensor(grad) for grad in grads]
    moved = [torch.zeros_like(t) for t in tensors] if params is None else params
    optimizer.build(moved)
    optimizer.apply(tensors)
    return [param.tolist() for param in moved]


# --- clipping --------------------------------------------------------------------------------


def test_a_norm_is_that_of_each_gradient() -> None:
    optimizer = optimizers.SGD(1.0, clipnorm=1.0)
    moved = stepped(optimizer, [3.0, 4.0], [0.5], [0.0])
    assert moved[0] == pytest.approx([-0.6, -0.8])
    assert moved[1:] == [[-0.5], [0.0]]


def test_a_global_norm_is_that_of_all_together() -> None:
    moved = stepped(optimizers.SGD(1.0, global_clipnorm=1.0), [3.0, 0.0], [4.0])
    assert moved == [pytest.approx([-0.6, 0.0]), pytest.approx([-0.8])]
    assert stepped(optimizers.SGD(1.0, global_clipnorm=9.0), [3.0], [4.0]) == [[-3.0], [-4.0]]
    assert stepped(optimizers.SGD(1.0, global_clipnorm=9.0), [0.0]) == [[0.0]]


def test_an_infinite_norm_trusts_no_gradient() -> None:
    moved = stepped(optimizers.SGD(1.0, global_clipnorm=1.0), [float("inf")], [1.0])
    assert torch.tensor(moved).isnan().all()


def test_values_are_cut_off_on_both_sides() -> None:
    moved = stepped(optimizers.SGD(1.0, clipvalue=0.5), [3.0, -4.0, 0.25])
    assert moved == [[-0.5, 0.5, -0.25]]


@pytest.mark.parametrize("name", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_the_gradients_given_are_left_as_they_are(name: str) -> None:
    grad = torch.tensor([3.0, 4.0])
    optimizer = optimizers.SGD(1.0, **{name: 0.5})
    optimizer.build([torch.zeros(2)])
    optimizer.apply([grad])
    assert grad.tolist() == [3.0, 4.0]


def test_only_one_way_of_clipping() -> None:
    with pytest.raises(ArgumentError, match=r"SGD\(clipnorm=1.0, clipvalue=0.5\).*in one way"):
        optimizers.SGD(clipvalue=0.5, clipnorm=1.0)


@pytest.mark.parametrize("name", ["clipnorm", "clipvalue", "global_clipnorm"])
@pytest.mark.parametrize("value", [0, -1.0, float("nan")])
def test_a_limit_is_above_0(name: str, value: float) -> None:
    with pytest.raises(ArgumentError, match=rf"Adam\({name}=.*\): a limit is above 0"):
        optimizers.Adam(**{name: value})


# --- weight decay ----------------------------------------------------------------------------


# Ftrl finds the weights from the gradients alone.
@pytest.mark.parametrize("kind", [kind for name, kind in ALL.items() if name != "Ftrl"])
def test_weights_decay_by_the_rate_times_the_decay(kind: Any) -> None:
    """Where there is no gradient, only the decay moves."""
    param = torch.tensor([2.0])
    optimizer = kind(0.5, weight_decay=0.25)
    assert stepped(optimizer, [0.0], params=[param]) == [[1.75]]


def test_weights_decay_before_the_step() -> None:
    moved = stepped(optimizers.SGD(0.5, weight_decay=1.0), [1.0], params=[torch.tensor([2.0])])
    assert moved == [[0.5]]


def test_what_has_no_gradient_does_not_decay() -> None:
    still, moved = torch.ones(1), torch.ones(1)
    optimizer = optimizers.SGD(0.5, weight_decay=1.0)
    optimizer.build([still, moved])
    optimizer.apply([None, torch.zeros(1)])
    assert (still.tolist(), moved.tolist()) == ([1.0], [0.5])


def test_a_decay_changed_in_mid_training_is_the_next_steps() -> None:
    param = torch.tensor([1.0])
    optimizer = optimizers.AdamW(0.5)
    optimizer.weight_decay = 1.0
    assert stepped(optimizer, [0.0], params=[param]) == [[0.5]]


def test_adamw_decays() -> None:
    assert optimizers.AdamW().weight_decay == 0.004
    with pytest.raises(ArgumentError, match=r"AdamW\(weight_decay=None\).*use Adam"):
        optimizers.AdamW(weight_decay=None)  # type: ignore[arg-type]


# --- schedules -------------------------------------------------------------------------------


def test_a_step_goes_as_far_as_the_schedule_says_of_it() -> None:
    optimizer = optimizers.SGD(schedules.PiecewiseConstantDecay([0, 1], [1.0, 0.5, 0.25]))
    param = torch.zeros(1)
    optimizer.build([param])
    seen = []
    for _ in range(3):
        rate = float(optimizer.learning_rate)
        optimizer.apply([torch.ones(1)])
        seen.append((rate, param.item()))
    assert seen == [(1.0, -1.0), (0.5, -1.5), (0.25, -1.75)]
    assert optimizer.lr == 0.25


def test_a_schedule_may_be_the_users() -> None:
    class Thirds(schedules.LearningRateSchedule):
        def __call__(self, step: int) -> Tensor:
            assert type(step) is int
            return torch.tensor(0.75) / (step + 1)

    optimizer = optimizers.Adam(Thirds())
    assert optimizer.learning_rate == 0.75
    assert isinstance(optimizer.schedule, Thirds)
    model = Sequential([Dense(1, input_dim=2)])
    model.compile(optimizer, "mse")
    model.fit(X, Y, batch_size=4, verbose=0)
    assert optimizer.learning_rate == 0.25
    with pytest.raises(NotImplementedError, match="Thirds has no get_config"):
        Thirds().get_config()


def test_a_rate_that_is_scheduled_is_not_set() -> None:
    optimizer = optimizers.Adam(schedules.CosineDecay(0.5, 10))
    text = r"adam.learning_rate = 0.1: .*Schedule` \(CosineDecay\).*Adam\(learning_rate=\.\.\.\)"
    with pytest.raises(ArgumentTypeError, match=text):
        optimizer.learning_rate = 0.1  # type: ignore[assignment]
    with pytest.raises(ArgumentTypeError, match="created with a `LearningRateSchedule`"):
        optimizer.learning_rate.assign(0.1)
    assert optimizer.learning_rate == 0.5
    assert optimizers.SGD(0.5).schedule is None


def test_a_schedule_is_set_in_place_of_another_or_of_a_number() -> None:
    optimizer = optimizers.SGD(0.5)
    optimizer.learning_rate = schedules.ExponentialDecay(0.25, 1, 0.5)  # type: ignore[assignment]
    assert optimizer.learning_rate == 0.25
    optimizer.learning_rate = schedules.ExponentialDecay(0.125, 1, 0.5)  # type: ignore[assignment]
    assert optimizer.learning_rate == 0.125


@pytest.mark.parametrize(
    "callback",
    [LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau("loss", patience=0, min_delta=9)],
    ids=["LearningRateScheduler", "ReduceLROnPlateau"],
)
def test_a_callback_that_sets_a_scheduled_rate_is_told_what_to_do(callback: Any) -> None:
    model = Sequential([Dense(1, input_dim=2, kernel_initializer="zeros")])
    model.compile(optimizers.SGD(schedules.CosineDecay(1e-9, 10)), "mse")  # the loss stays
    with pytest.raises(ArgumentTypeError, match=r"Make the optimizer with a number.*leave out"):
        model.fit(X, Y, epochs=3, verbose=0, callbacks=[callback])


def test_a_rate_goes_on_after_a_restart_and_a_schedule_follows_the_steps() -> None:
    plain, scheduled = optimizers.SGD(0.5), optimizers.SGD(schedules.CosineDecay(0.5, 10))
    plain.load_rate_state(optimizers.SGD(0.25).rate_state())
    assert plain.learning_rate == 0.25
    assert scheduled.rate_state() is None
    scheduled.load_rate_state(0.125)
    assert scheduled.learning_rate == 0.5
    plain.load_rate_state(None)
    assert plain.learning_rate == 0.25


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), r"ExponentialDecay\(decay_steps=0\)"),
        (lambda: schedules.CosineDecay(0.1, -1), r"CosineDecay\(decay_steps=-1\)"),
        (lambda: schedules.CosineDecayRestarts(0.1, 0), r"\(first_decay_steps=0, t_mul=2.0\)"),
        (lambda: schedules.CosineDecayRestarts(0.1, 5, t_mul=0.5), r"t_mul is 1 or more"),
        (lambda: schedules.PiecewiseConstantDecay([1], [0.1]), "1 boundaries and 1 values"),
        (lambda: schedules.from_config("CosinDecay", {}), "unknown here. Did you mean 'CosineDec"),
    ],
)
def test_a_schedule_that_cannot_be_meant_is_an_error(make: Any, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        make()


@pytest.mark.parametrize(
    "schedule",
    [
        schedules.ExponentialDecay(0.5, 4, 0.5, staircase=True, name="mine"),
        schedules.InverseTimeDecay(0.5, 4, 0.25),
        schedules.PolynomialDecay(0.5, 4, 0.25, power=2.0, cycle=True),
        schedules.CosineDecay(0.5, 4, 0.25, warmup_target=0.75, warmup_steps=2),
        schedules.CosineDecayRestarts(0.5, 4, 3.0, 0.5, 0.25),
        schedules.PiecewiseConstantDecay([1, 2], [0.5, 0.25, 0.125]),
    ],
    ids=lambda schedule: schedule.name,
)
def test_a_config_makes_the_same_schedule_again(schedule: Any) -> None:
    config = schedule.get_config()
    again = schedules.from_config(type(schedule).__name__, config)
    assert type(again) is type(schedule)
    assert vars(again) == vars(schedule)
    assert [again(step) for step in range(9)] == [schedule(step) for step in range(9)]


# --- names, configs, copies ------------------------------------------------------------------


@each
def test_a_name_in_any_case_is_the_optimizer(kind: Any) -> None:
    name = kind.__name__
    for written in (name, name.lower(), name.upper()):
        assert type(optimizers.get(written)) is kind


@each
def test_a_config_makes_the_same_again(kind: Any) -> None:
    for rate in (0.25, schedules.CosineDecay(0.5, 10)):
        optimizer = kind(rate, weight_decay=0.5, clipvalue=2.0, name="mine")
        config = optimizer.get_config()
        assert config["learning_rate"] == rate
        assert {"weight_decay": 0.5, "clipvalue": 2.0, "name": "mine"}.items() <= config.items()
        again = kind.from_config(config)
        assert again.get_config() == config
        assert optimizers.from_config(kind.__name__, config).get_config() == config


@each
def test_a_state_put_back_goes_on_exactly(kind: Any) -> None:
    one, other = torch.ones(3), torch.ones(3)
    first, second = kind(0.125), kind(0.125)
    first.build([one])
    for step in range(1, 4):
        first.apply([torch.arange(3.0) / step])
    second.build([other])
    other.copy_(one)
    second.load_state(first.iterations, first.state())
    for optimizer in (first, second):
        optimizer.apply([torch.tensor([0.5, -1.0, 2.0])])
    assert torch.equal(one, other)


@each
def test_an_optimizer_can_be_pickled(kind: Any) -> None:
    optimizer = kind(schedules.CosineDecay(0.5, 10), global_clipnorm=1.0)
    again = pickle.loads(pickle.dumps(optimizer))
    assert stepped(again, [1.0, 2.0]) == stepped(optimizer, [1.0, 2.0])


@each
def test_a_gradient_of_zeros_moves_nothing(kind: Any) -> None:
    moved = stepped(kind(0.5), [0.0, 0.0])
    assert moved == [[0.0, 0.0]]


def test_a_new_parameter_of_adagrad_starts_with_its_initial_value() -> None:
    optimizer = optimizers.Adagrad(initial_accumulator_value=0.5)
    first, second = torch.zeros(1), torch.zeros(2)
    optimizer.build([first])
    optimizer.apply([torch.ones(1)])
    optimizer.build([first, second])
    assert [slot.tolist() for slot in optimizer.slots["accumulator"]] == [[1.5], [0.5, 0.5]]
    with pytest.raises(ArgumentError, match=r"Adagrad\(initial_accumulator_value=-1.0\)"):
        optimizers.Adagrad(initial_accumulator_value=-1.0)


def test_nadam_knows_its_momentum_of_any_step() -> None:
    optimizer = optimizers.Nadam()
    expected = 1.0
    for step in range(1, 6):
        expected *= 0.9 * (1 - 0.5 * 0.96**step)
        optimizer.iterations = step
        assert optimizer.scalars == {"variable": pytest.approx(expected)}
    optimizer.iterations = 2  # back, as when a file is loaded
    assert optimizer.scalars["variable"] == pytest.approx(0.9**2 * (1 - 0.48) * (1 - 0.4608))
    optimizer.iterations = 10**9  # and far ahead, where it is nothing
    assert optimizer.scalars == {"variable": 0.0}


def test_an_unknown_argument_is_an_error_that_lists_all() -> None:
    with pytest.raises(ArgumentError, match=r"rho, epsilon,.*clipnorm.*mean 'clipvalue'"):
        optimizers.Adadelta(clip_value=1.0)
