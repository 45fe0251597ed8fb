"""Session: a loop of another's pushes its events, and the callbacks are called as in a Run."""

from types import SimpleNamespace

import pytest
from tests.core.loops import Diary

from onfit.callbacks import (
    EarlyStopping,
    History,
    LambdaCallback,
    ReduceLROnPlateau,
    TerminateOnNaN,
    TimeLimit,
)
from onfit.core import Callback, Run, Session, Stop
from onfit.errors import CapabilityError, NotReadyError


def pushed(callbacks, losses, **more):
    """Push epochs, each given by the losses of its batches, until the session says stop."""
    session = Session(SimpleNamespace(), callbacks, epochs=len(losses), **more)
    stop = session.train_begin()
    for batches in losses:
        if stop:
            break
        session.epoch_begin()
        for loss in batches:
            session.batch_begin(size=2)
            if session.batch_end(size=2, loss=loss):
                break
        stop = session.epoch_end()
    session.train_end()
    return session


def pulled(callbacks, losses):
    with Run(SimpleNamespace(), callbacks, epochs=len(losses)) as run:
        for epoch in run.epochs():
            for loss in run.batches(losses[epoch], size=lambda _: 2):
                run.log(loss=loss)
    return run


LOSSES = [[3.0, 1.0], [2.0, 0.5]]


def test_pushed_events_call_the_hooks_that_a_run_calls():
    push, pull = Diary(), Diary()
    pushed([push], LOSSES)
    pulled([pull], LOSSES)
    assert push.events == pull.events
    assert len(push.events) == 2 + 2 * (2 + 2 * 2)


def test_batches_need_not_be_begun():
    history = History()
    session = Session(SimpleNamespace(), [history])
    session.train_begin()
    session.epoch_begin()
    session.batch_end(size=3, loss=1.0)
    session.batch_end(size=1, loss=5.0)
    session.epoch_end(val_loss=0.5)
    session.train_end()
    assert history.history == {"loss": [2.0], "val_loss": [0.5]}
    assert session.outcome == "completed"


def test_an_epoch_may_have_any_index():
    history = History()
    session = Session(SimpleNamespace(), [history])
    session.train_begin()
    session.epoch_begin(7)
    session.epoch_end(loss=1.0)
    session.train_end()
    assert history.epoch == [7]
    assert session.progress.epoch == 8


@pytest.mark.parametrize("losses", [[[1.0], [1.0], [1.0], [1.0]]])
def test_each_event_in_the_middle_answers_whether_to_stop(losses):
    session = pushed([EarlyStopping("loss", patience=1)], losses)
    assert session.progress.epoch == 2
    assert session.outcome == "stopped"
    assert session.stopped_by == "EarlyStopping"


def test_a_stop_at_a_batch_is_answered_there():
    session = pushed([TerminateOnNaN()], [[1.0, float("nan"), 1.0], [1.0]])
    assert session.progress.step == 2
    assert session.stopped == Stop(
        "TerminateOnNaN", "the loss of batch 1 was nan", "failure", cut_short=True
    )


def test_training_may_be_over_before_it_begins():
    class Refuses(Callback):
        def on_train_begin(self, logs=None):
            self.request_stop("no")

    session = Session(SimpleNamespace(), [Refuses()])
    assert session.train_begin()
    session.train_end()
    assert (session.outcome, session.stop_reason) == ("stopped", "no")


def test_what_a_validation_found_becomes_val_values():
    history = History()
    session = Session(SimpleNamespace(), [history])
    session.train_begin()
    session.epoch_begin()
    assert not session.validated(loss=3.0, acc=0.5)
    session.validated(loss=1.0)  # the later one counts
    session.epoch_end()
    session.train_end()
    assert history.history == {"val_loss": [1.0], "val_acc": [0.5]}


def test_an_open_epoch_is_ended_with_the_training():
    diary = Diary()
    session = Session(SimpleNamespace(), [diary])
    session.train_begin()
    session.epoch_begin()
    session.batch_end(loss=1.0)
    session.train_end()
    assert diary.names[-2:] == ["epoch_end 0", "train_end"]


def test_an_error_ends_the_training_as_failed_and_stays_the_loops():
    seen = []
    session = Session(SimpleNamespace(), [LambdaCallback(on_exception=seen.append)])
    session.train_begin()
    session.epoch_begin()
    error = ValueError("boom")
    session.train_end(error)
    assert seen == [error]
    assert session.outcome == "failed"


def test_an_epoch_before_the_training_is_an_error():
    with pytest.raises(NotReadyError, match=r"train_begin\(\)"):
        Session(SimpleNamespace()).epoch_begin()


def test_a_session_is_walked_once():
    session = Session(SimpleNamespace())
    session.train_begin()
    session.train_end()
    with pytest.raises(NotReadyError, match="this Session has been walked"):
        session.train_begin()


def test_callbacks_know_the_session_that_calls_them():
    history = History()
    session = pushed([history], LOSSES)
    assert history.run is session
    assert history.timing["total"] > 0


def test_evaluation_and_prediction_are_pushed_too():
    diary, outputs = Diary(), []
    reader = LambdaCallback(
        on_predict_batch_end=lambda batch, logs: outputs.append(logs["outputs"])
    )
    session = Session(SimpleNamespace(), [diary, reader])
    session.introduce()
    session.test_begin()
    for loss, size in ((1.0, 3), (5.0, 1)):
        session.test_batch_begin(size)
        session.test_batch_end(size, loss=loss)
    assert session.test_end() == {"loss": 2.0}
    session.predict_begin()
    session.predict_batch_begin(2)
    session.predict_batch_end(2, outputs=[7, 8])
    session.predict_end()
    assert outputs == [[7, 8]]
    assert [name for name in diary.names if "test" in name] == [
        "test_begin",
        "test_batch_begin 0",
        "test_batch_end 0",
        "test_batch_begin 1",
        "test_batch_end 1",
        "test_end",
    ]


def test_a_time_limit_pauses_a_pushed_session():
    ticks = iter(range(100))
    session = pushed([TimeLimit(2, clock=lambda: next(ticks))], LOSSES)
    assert session.pausing
    assert session.stopped.means == "pause"


ORDERS = {
    "batch_begin before the training": lambda s: s.batch_begin(1),
    "batch_end before the training": lambda s: s.batch_end(1),
    "epoch_end before the training": lambda s: s.epoch_end(),
    "train_end before the training": lambda s: s.train_end(),
    "batch_end before an epoch": lambda s: (s.train_begin(), s.batch_end(1)),
    "epoch_end before an epoch": lambda s: (s.train_begin(), s.epoch_end()),
    "epoch_begin twice": lambda s: (s.train_begin(), s.epoch_begin(), s.epoch_begin()),
    "epoch_end twice": lambda s: (s.train_begin(), s.epoch_begin(), s.epoch_end(), s.epoch_end()),
    "train_end twice": lambda s: (s.train_begin(), s.train_end(), s.train_end()),
    "epoch_begin after the training": lambda s: (s.train_begin(), s.train_end(), s.epoch_begin()),
    "batch_end in a test": lambda s: (
        s.train_begin(), s.epoch_begin(), s.batch_begin(1), s.test_begin(), s.batch_end(1)
    ),
    "test_end before a test": lambda s: s.test_end(),
    "test_batch_begin before a test": lambda s: s.test_batch_begin(1),
    "test_batch_end before a test": lambda s: s.test_batch_end(1),
    "test_begin twice": lambda s: (s.test_begin(), s.test_begin()),
}  # fmt: skip


@pytest.mark.parametrize("order", ORDERS)
def test_an_event_out_of_order_is_an_error_that_says_the_order(order):
    session = Session(SimpleNamespace(), [History()], params={"verbose": 0})
    with pytest.raises(NotReadyError, match=r"_begin|_end"):
        ORDERS[order](session)


def test_what_a_batch_left_open_is_gone_with_its_epoch():
    history = History()
    session = Session(SimpleNamespace(), [history], params={"verbose": 0})
    session.train_begin()
    for value in (0.5, 0.4):
        session.epoch_begin()
        session.batch_begin(1)
        session.epoch_end(val_loss=value)
    session.train_end()
    assert history.history == {"val_loss": [0.5, 0.4]}


def test_a_training_that_a_check_refuses_can_be_ended_with_that_error():
    session = Session(SimpleNamespace(), [ReduceLROnPlateau()])
    with pytest.raises(CapabilityError) as refused:
        session.train_begin()
    session.train_end(refused.value)
    assert session.outcome == "failed"
    assert session.timing.report()["callbacks"] == {"ReduceLROnPlateau": 0.0}
