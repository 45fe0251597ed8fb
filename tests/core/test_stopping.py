"""Run: a training that is stopped, left early or ended by an error."""

from types import SimpleNamespace

import pytest
from tests.core.loops import At, Diary, events_of_epoch, fail, stop, walk

from onfit.callbacks import CallbackList, EarlyStopping, History
from onfit.core.run import Run

# --- stopping --------------------------------------------------------------------------------


def test_a_stop_in_train_begin_means_no_epoch():
    diary = Diary()
    run = walk([At("on_train_begin", stop), diary])
    assert diary.names == ["train_begin", "train_end"]
    assert run.outcome == "stopped"


def test_a_stop_in_epoch_begin_means_one_batch():
    diary = Diary()
    run = walk([At("on_epoch_begin", stop), diary])
    assert diary.names == [
        "train_begin", "epoch_begin 0", "train_batch_begin 0", "train_batch_end 0",
        "epoch_end 0", "train_end",
    ]  # fmt: skip
    assert run.outcome == "stopped"


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end"])
def test_a_stop_at_a_batch_ends_that_batch_and_tells_the_epochs_end(hook):
    diary = Diary()
    walk([At(hook, stop), diary])
    assert diary.names[-3:] == ["train_batch_end 0", "epoch_end 0", "train_end"]


def test_a_stop_in_epoch_end_means_no_other_epoch():
    diary = Diary()
    run = walk([At("on_epoch_end", stop), diary], epochs=9)
    assert diary.names == ["train_begin", *events_of_epoch(0), "train_end"]
    assert run.outcome == "stopped"


def test_a_stop_stays_although_somebody_clears_the_flag():
    def clear(callback, *args):
        callback.model.stop_training = False

    diary = Diary()
    stopper = At("on_train_batch_end", stop)
    run = walk([stopper, At("on_train_batch_end", clear), diary])
    assert diary.names[-3:] == ["train_batch_end 0", "epoch_end 0", "train_end"]
    assert run.outcome == "stopped"
    assert run.stopped_by == type(stopper).__name__


def test_the_users_loop_may_stop_too():
    diary = Diary()
    with Run(SimpleNamespace(), diary, epochs=9) as run:
        for _ in run.epochs():
            for _ in run.batches([[1], [2]]):
                run.model.stop_training = True
    assert diary.names[-3:] == ["train_batch_end 0", "epoch_end 0", "train_end"]
    assert run.outcome == "stopped"


def test_a_new_run_clears_an_old_stop():
    model, callbacks = SimpleNamespace(stop_training=True), CallbackList(Diary())
    callbacks.stop()
    with Run(model, callbacks, epochs=2) as run:
        assert list(run.epochs()) == [0, 1]
    assert run.outcome == "completed"


def test_one_list_of_callbacks_serves_two_runs():
    stopper, history = EarlyStopping("loss", patience=1), History()
    callbacks = CallbackList([stopper, history])
    first, second = walk(callbacks, epochs=9), walk(callbacks, epochs=9)
    assert first.outcome == second.outcome == "stopped"
    assert history.epoch == [0, 1]
    assert history.run is second


# --- leaving the loop ------------------------------------------------------------------------


def test_a_break_out_of_the_epochs_still_ends_the_epoch():
    diary = Diary()
    with Run(SimpleNamespace(), diary, epochs=9) as run:
        for _ in run.epochs():
            run.log(loss=1.0)
            break
    assert diary.events[-2:] == [("epoch_end", 0, {"loss": 1.0}), ("train_end", {"loss": 1.0})]
    assert run.outcome == "completed"


def test_after_a_break_out_of_the_batches_the_epoch_can_be_logged():
    diary = Diary()
    with Run(SimpleNamespace(), diary, epochs=1) as run:
        for _ in run.epochs():
            for batch in run.batches([[1], [2], [3]]):
                run.log(loss=float(batch[0]))
                if batch == [2]:
                    break
            run.log(val_loss=0.5)
    assert diary.events[-2] == ("epoch_end", 0, {"loss": 1.5, "val_loss": 0.5})
    assert diary.names.count("train_batch_end 1") == 1


def in_its_loop(run, error=None):
    """A user's loop that raises, or that is left, in its first epoch."""
    with run:
        for _ in run.epochs():
            if error is not None:
                raise error
            break


def test_an_error_in_the_loop_is_told_and_raised():
    diary, error = Diary(), ValueError("boom")
    run = Run(SimpleNamespace(), diary)
    with pytest.raises(ValueError, match="boom") as caught:
        in_its_loop(run, error)
    assert caught.value is error
    assert diary.events[-2:] == [("exception", error), ("train_end", {})]
    assert run.outcome == "failed"


def test_the_outcome_is_there_when_the_end_is_told():
    outcomes = []
    look = At("on_train_end", lambda self, logs: outcomes.append(self.run.outcome))
    walk(look)
    walk([At("on_train_begin", stop), look])
    for error in (ValueError(), KeyboardInterrupt(), SystemExit(1)):
        with pytest.raises(type(error)):
            walk([At("on_epoch_begin", fail(error)), look])
    assert outcomes == ["completed", "stopped", "failed", "interrupted", "failed"]


def test_the_outcome_is_none_while_training():
    outcomes = []
    walk(At("on_epoch_end", lambda self, *args: outcomes.append(self.run.outcome)), epochs=1)
    assert outcomes == [None]


def test_ctrl_c_interrupts_and_goes_on_up():
    diary = Diary()
    run = Run(SimpleNamespace(), diary)
    with pytest.raises(KeyboardInterrupt):
        in_its_loop(run, KeyboardInterrupt())
    assert run.outcome == "interrupted"
    assert diary.names[-2:] == ["exception", "train_end"]


@pytest.mark.parametrize(
    "hook", ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end",
             "on_epoch_end"],
)  # fmt: skip
def test_an_error_in_a_hook_names_it_and_the_ends_are_told(hook):
    diary = Diary()
    with pytest.raises(ValueError, match="boom") as caught:
        walk([At(hook, fail(ValueError("boom"))), diary])
    assert caught.value.__notes__ == [f"raised by At.{hook}"]
    assert diary.names[-2:] == ["exception", "train_end"]
    assert diary.names.count("train_end") == 1
    assert diary.run.outcome == "failed"


def test_an_error_in_the_epochs_end_after_a_break_is_told_too():
    diary = Diary()
    run = Run(SimpleNamespace(), [At("on_epoch_end", fail(ValueError("boom"))), diary])
    with pytest.raises(ValueError, match="boom"):
        in_its_loop(run)
    assert diary.names[-2:] == ["exception", "train_end"]
    assert run.outcome == "failed"


def test_an_error_in_train_end_makes_the_run_a_failed_one_but_all_are_told():
    diary = Diary()
    with pytest.raises(ValueError, match="boom"):
        walk([At("on_train_end", fail(ValueError("boom"))), diary], epochs=0)
    assert diary.names == ["train_begin", "train_end"]
    assert diary.run.outcome == "failed"


def test_an_error_while_telling_the_end_does_not_hide_the_first():
    with pytest.raises(ValueError, match="first") as caught:
        walk([
            At("on_epoch_end", fail(ValueError("first"))),
            At("on_exception", fail(OSError("second"))),
            At("on_train_end", fail(OSError("third"))),
        ])  # fmt: skip
    assert caught.value.__notes__ == [
        "raised by At.on_epoch_end",
        "also, while telling the end: OSError('second')",
        "also, while telling the end: OSError('third')",
    ]
