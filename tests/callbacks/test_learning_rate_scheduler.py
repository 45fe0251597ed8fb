"""LearningRateScheduler."""

import functools
import math
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from onfit.callbacks.learning_rate_scheduler import LearningRateScheduler
from onfit.core import Callback, Run
from onfit.errors import ArgumentError, ArgumentTypeError, CapabilityError


def a_model(rate=0.1):
    return SimpleNamespace(stop_training=False, optimizer=SimpleNamespace(learning_rate=rate))


def rates(schedule, epochs=3, rate=0.1):
    """The rate that each epoch is trained with."""
    seen = []

    class Look(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(self.model.optimizer.learning_rate)

    with Run(a_model(rate), [LearningRateScheduler(schedule), Look()], epochs=epochs) as run:
        for _ in run.epochs():
            pass
    return seen


def test_a_schedule_of_epoch_and_rate_gets_both():
    assert rates(lambda epoch, rate: rate / 2 if epoch else rate) == [0.1, 0.05, 0.025]


def test_a_schedule_of_the_epoch_alone_gets_the_epoch():
    assert rates(lambda epoch: 1.0 / (epoch + 1), epochs=2) == [1.0, 0.5]


def test_a_second_argument_with_a_default_gets_the_rate_as_in_keras():
    def schedule(epoch, decay=0.5):
        return decay

    assert rates(schedule, epochs=2) == [0.1, 0.1]


def test_a_schedule_that_takes_anything_gets_both():
    assert rates(lambda *arguments: len(arguments), epochs=1) == [2.0]


def test_a_keyword_that_is_not_positional_is_left_alone():
    def schedule(epoch, *, base=0.25):
        return base

    assert rates(schedule, epochs=1) == [0.25]


def test_methods_partials_and_objects_are_asked_rightly():
    class Warmup:
        def __call__(self, epoch):
            return 0.5

        def both(self, epoch, rate):
            return rate * 2

    assert rates(Warmup(), epochs=1) == [0.5]
    assert rates(Warmup().both, epochs=1) == [0.2]
    assert rates(functools.partial(lambda base, epoch: base, 0.75), epochs=1) == [0.75]


def test_functions_without_a_signature_are_tried():
    assert rates(max, epochs=2) == [0.1, 1.0]
    assert rates(int, epochs=2) == [0.0, 1.0]


def test_functions_of_numpy_and_math_are_told_apart_by_their_arguments():
    assert rates(np.exp, epochs=1) == [1.0]
    assert rates(np.maximum, epochs=1) == [0.1]
    assert rates(math.exp, epochs=1) == [1.0]
    assert rates(math.pow, epochs=2) == [0.0, 1.0]


def test_a_type_error_inside_the_schedule_is_not_hidden():
    calls = []

    def schedule(epoch, rate):
        calls.append(epoch)
        return rate * None

    with pytest.raises(TypeError, match="NoneType"):
        rates(schedule)
    assert calls == [0]


def test_an_error_inside_a_schedule_of_the_epoch_alone_comes_alone():
    def schedule(epoch):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine") as caught:
        rates(schedule)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("schedule", [lambda: 0.1, lambda a, b, c: 0.1, lambda epoch, *, lr: lr])
def test_a_schedule_of_another_shape_is_refused_at_once(schedule):
    with pytest.raises(ArgumentTypeError, match=r"schedule\(epoch, learning_rate\) or"):
        LearningRateScheduler(schedule)


def test_something_that_cannot_be_called_is_refused_at_once():
    with pytest.raises(ArgumentTypeError, match=r"schedule=0\.1\).*of type float"):
        LearningRateScheduler(0.1)


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        Decimal("0.5"),
        np.float16(0.5),
        np.float32(0.5),
        np.float64(0.5),
        np.array(0.5),
        np.array([0.5]),
        torch.tensor(0.5),
        torch.tensor(0.5, dtype=torch.bfloat16),
        torch.tensor(0.5, requires_grad=True),
    ],
)
def test_a_scalar_of_any_kind_becomes_a_float(value):
    (rate,) = rates(lambda epoch: value, epochs=1)
    assert rate == 0.5
    assert type(rate) is float


@pytest.mark.parametrize("value", [1, np.int64(1), torch.tensor(1)])
def test_an_integer_becomes_a_float(value):
    (rate,) = rates(lambda epoch: value, epochs=1)
    assert rate == 1.0
    assert type(rate) is float


def test_a_rate_of_zero_is_a_rate():
    assert rates(lambda epoch: 0, epochs=1) == [0.0]


@pytest.mark.parametrize(
    "value",
    [
        None,
        "0.1",
        b"0.1",
        True,
        np.bool_(True),
        torch.tensor(True),
        np.array([0.1, 0.2]),
        torch.tensor([0.1, 0.2]),
        [0.1],
        1j,
        10**400,
        float("nan"),
        np.float32("nan"),
        float("inf"),
        -0.1,
        torch.tensor(-0.1),
    ],
)
def test_anything_else_is_refused_and_the_rate_stays(value):
    model = a_model()
    callback = LearningRateScheduler(lambda epoch: value)
    callback.set_model(model)
    with pytest.raises(ArgumentError, match="learning rate of epoch 4 and got") as caught:
        callback.on_epoch_begin(4, {})
    assert f"{value!r} of type {type(value).__name__}" in str(caught.value)
    assert model.optimizer.learning_rate == 0.1


def test_the_schedule_gets_a_float_whatever_the_optimizer_holds():
    seen = []

    def schedule(epoch, rate):
        seen.append(rate)
        return 0.5

    rates(schedule, epochs=1, rate=torch.tensor(0.25))
    assert seen == [0.25]
    assert type(seen[0]) is float


def test_a_run_that_begins_later_asks_for_the_absolute_epoch():
    seen = []
    callback = LearningRateScheduler(lambda epoch: seen.append(epoch) or 0.1)
    with Run(a_model(), callback, epochs=5, initial_epoch=3) as run:
        for _ in run.epochs():
            pass
    assert seen == [3, 4]


def test_verbose_says_the_rate_in_the_words_of_the_documents(capsys):
    callback = LearningRateScheduler(lambda epoch: np.float32(0.01), verbose=1)
    callback.set_model(a_model())
    callback.on_epoch_begin(0, {})
    said = "Epoch 00001: LearningRateScheduler setting learning rate to 0.01.\n"
    assert capsys.readouterr().out == said


def test_without_verbose_it_is_quiet(capsys):
    rates(lambda epoch: 0.1)
    assert capsys.readouterr().out == ""


def test_the_epochs_logs_hold_the_rate_in_use_as_a_float():
    model = a_model()
    callback = LearningRateScheduler(lambda epoch: 0.5)
    callback.set_model(model)
    model.optimizer.learning_rate = np.float32(0.25)
    logs = {}
    callback.on_epoch_end(0, logs)
    callback.on_epoch_end(0, None)
    assert logs == {"learning_rate": 0.25}
    assert type(logs["learning_rate"]) is float


def test_a_model_without_an_optimizer_is_refused_before_training():
    with (
        pytest.raises(CapabilityError, match=r"LearningRateScheduler\(\) needs optimizer"),
        Run(SimpleNamespace(), LearningRateScheduler(lambda epoch: 0.1)),
    ):
        pass
