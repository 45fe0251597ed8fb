"""What a run learns from the loop's loader, and gradients that callbacks see."""

import io
from types import SimpleNamespace

import pytest

from onfit.callbacks import EarlyStopping, History, LambdaCallback, ProgbarLogger, TerminateOnNaN
from onfit.core import Run
from onfit.errors import CapabilityError


def run_of(*callbacks, **more):
    return Run(SimpleNamespace(), list(callbacks), params={"verbose": 0}, **more)


class Loader(list):
    batch_size = 4

    def __init__(self, dataset, drop_last=False):
        self.dataset, self.drop_last = dataset, drop_last
        super().__init__([dataset[:4], dataset[4:8]] if drop_last else [dataset[:5], dataset[5:]])


@pytest.mark.parametrize(("drop_last", "samples"), [(False, 10), (True, 8)])
def test_the_length_of_a_loader_reaches_the_callbacks(drop_last, samples):
    seen = []
    reader = LambdaCallback(on_batch_begin=lambda *args: seen.append(dict(run.params)))
    with run_of(reader) as run:
        for _ in run.epochs():
            for _ in run.batches(Loader(list(range(10)), drop_last)):
                pass
    assert (seen[0]["steps"], seen[0]["samples"], seen[0]["batch_size"]) == (2, samples, 4)


def test_what_the_loop_says_of_its_lengths_counts():
    with Run(SimpleNamespace(), params={"verbose": 0, "steps": 7}) as run:
        for _ in run.epochs():
            for _ in run.batches([[1], [2]]):
                assert run.params["steps"] == 7


def test_a_bar_knows_the_length_of_a_loader_in_the_first_epoch():
    stream = io.StringIO()
    bar = ProgbarLogger("steps", stream=stream)
    with Run(SimpleNamespace(), [bar]) as run:
        for _ in run.epochs():
            for _ in run.batches([[1], [2]]):
                assert bar._bar is None or bar._bar.total in (None, 2)
            assert bar._bar.total == 2


class Observed(SimpleNamespace):
    """A model that says when its optimizer steps."""

    def observe_gradients(self, before_update):
        self.before_update, self.ended = before_update, False
        return lambda: setattr(self, "ended", True)


def test_a_callback_is_called_before_the_optimizer_steps():
    seen = []
    model = Observed()
    hook = LambdaCallback(on_before_optimizer_step=lambda batch, logs: seen.append((batch, logs)))
    with Run(model, [hook], params={"verbose": 0}) as run:
        for _ in run.epochs():
            for _ in run.batches([[1], [2]]):
                model.before_update()
        assert not model.ended
    assert seen == [(0, {"batch": 0}), (1, {"batch": 1})]
    assert model.ended


@pytest.mark.parametrize("callbacks", [[], [History(), EarlyStopping("loss"), TerminateOnNaN()]])
def test_without_a_callback_of_the_users_no_gradient_is_asked_for(callbacks):
    model = Observed()
    with Run(model, callbacks, params={"verbose": 0}):
        assert not hasattr(model, "before_update")


def test_a_users_hook_at_the_end_of_batches_may_look_at_gradients():
    model = Observed()
    with Run(model, [LambdaCallback(on_batch_end=lambda *args: None)], params={"verbose": 0}):
        assert model.before_update is None


def test_a_model_that_does_not_say_when_it_steps_is_an_error_before_training():
    hook = LambdaCallback(on_before_optimizer_step=print)
    with pytest.raises(CapabilityError, match="SimpleNamespace does"), run_of(hook):
        pass
