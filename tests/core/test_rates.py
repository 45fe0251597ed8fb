"""The learning rate of a model whose optimizer is of a user's own."""

from types import SimpleNamespace

import pytest

from onfit import backend
from onfit.callbacks import LearningRateScheduler, ReduceLROnPlateau
from onfit.callbacks.tensorboard.scalars import learning_rate
from onfit.core import Run
from onfit.errors import CapabilityError


def a_model(**optimizer):
    return SimpleNamespace(stop_training=False, optimizer=SimpleNamespace(**optimizer))


def lowered(model):
    reduce = ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1)
    reduce.set_model(model)
    for epoch in range(2):
        reduce.on_epoch_end(epoch, {"loss": 1.0})
    return model.optimizer


@pytest.mark.parametrize("name", ["lr", "learning_rate"])
def test_a_rate_under_either_name_is_lowered(name):
    assert vars(lowered(a_model(**{name: 1.0}))) == {name: 0.5}


@pytest.mark.parametrize("name", ["lr", "learning_rate"])
def test_a_variable_that_holds_the_rate_is_written_into(name):
    rate = backend.variable(1.0)
    assert getattr(lowered(a_model(**{name: rate})), name) is rate
    assert backend.get_value(rate) == 0.5


def test_a_schedule_sets_a_rate_under_its_older_name_in_a_run():
    model = a_model(lr=1.0)
    with Run(model, [LearningRateScheduler(lambda epoch, rate: rate / 2)], epochs=2) as run:
        for _ in run.epochs():
            pass
    assert model.optimizer.lr == 0.25


def test_tensorboard_writes_a_rate_under_its_older_name():
    assert learning_rate({}, a_model(lr=0.5)) == {"learning_rate": 0.5}


def test_an_optimizer_without_a_rate_is_an_error_before_training():
    with pytest.raises(CapabilityError, match=r"lacks optimizer\.learning_rate"):
        Run(a_model(), [ReduceLROnPlateau("loss")], epochs=1).__enter__()
