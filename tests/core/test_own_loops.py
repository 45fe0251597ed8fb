"""Run in loops as people write them: `break`, validation, and what comes at the wrong place."""

import signal
from types import SimpleNamespace

import pytest
import torch
from tests.core.loops import Diary

from onfit.callbacks import (
    BackupAndRestore,
    CallbackList,
    EarlyStopping,
    History,
    LambdaCallback,
    ProgbarLogger,
    TerminateOnNaN,
)
from onfit.core import Callback, Run, Session, Stop
from onfit.core.meter import RunningMeans
from onfit.errors import ArgumentTypeError, NotReadyError


def run_of(*callbacks, **more):
    return Run(SimpleNamespace(), list(callbacks), params={"verbose": 0}, **more)


def test_batches_outside_of_an_epoch_are_an_error_at_once():
    with run_of() as run, pytest.raises(NotReadyError, match=r"run\.epochs\(\)"):
        run.batches([[1]])


def test_a_batch_left_by_break_counts_if_it_was_logged():
    history, diary = History(), Diary()
    with run_of(history, diary) as run:
        for _ in run.epochs():
            for index, batch in enumerate(run.batches([[1.0], [2.0], [3.0]])):
                run.log(loss=batch[0])
                if index == 1:
                    break
    assert history.history == {"loss": [1.5]}
    assert [name for name in diary.names if name.startswith("train_batch_end")] == [
        "train_batch_end 0",
        "train_batch_end 1",
    ]
    assert run.progress.step == 2


def test_a_batch_left_by_break_before_anything_is_logged_does_not_count():
    diary = Diary()
    with run_of(diary) as run:
        for _ in run.epochs():
            for batch in run.batches([[1.0], [2.0]]):
                if batch == [2.0]:
                    break
                run.log(loss=batch[0])
    assert diary.names.count("train_batch_end 1") == 0
    assert run.progress.step == 1


def test_a_batch_in_which_an_error_came_does_not_count():
    diary = Diary()

    def train():
        with run_of(diary) as run:
            for _ in run.epochs():
                for batch in run.batches([[1.0], [2.0]]):
                    run.log(loss=batch[0])
                    if batch == [2.0]:
                        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        train()
    assert diary.names.count("train_batch_end 1") == 0


def test_two_loaders_in_one_epoch_both_count():
    history = History()
    with run_of(history) as run:
        for _ in run.epochs():
            for loader in ([[1.0], [2.0]], [[6.0]]):
                for batch in run.batches(loader):
                    run.log(loss=batch[0])
                    if batch == [2.0]:
                        break
    assert history.history == {"loss": [3.0]}
    assert run.progress.step == 3


def test_a_validation_gives_means_over_samples_and_calls_the_test_hooks():
    history, diary = History(), Diary()
    with run_of(history, diary) as run:
        for _ in run.epochs():
            for batch in run.validation([[1.0, 2.0, 3.0], [10.0]]):
                run.log(loss=sum(batch) / len(batch))
    assert history.history == {"val_loss": [4.0]}
    assert diary.names[2:8] == [
        "test_begin",
        "test_batch_begin 0",
        "test_batch_end 0",
        "test_batch_begin 1",
        "test_batch_end 1",
        "test_end",
    ]


def test_of_two_validations_in_an_epoch_the_later_counts():
    history = History()
    with run_of(history) as run:
        for _ in run.epochs():
            for value in (3.0, 1.0):
                for _ in run.validation([[0]]):
                    run.log(loss=value, **({"first": value} if value == 3.0 else {}))
    assert history.history == {"val_loss": [1.0], "val_first": [3.0]}


def test_a_validation_in_the_middle_of_a_batch_leaves_the_batch_as_it_was():
    history = History()
    with run_of(history) as run:
        for _ in run.epochs():
            for batch in run.batches([[1.0], [3.0]]):
                run.log(loss=batch[0])
                for _ in run.validation([[0]]):
                    run.log(loss=7.0)
                run.log(norm=batch[0])
    assert history.history == {"loss": [2.0], "norm": [2.0], "val_loss": [7.0]}


def test_a_validation_left_by_break_counts_what_was_logged():
    history, diary = History(), Diary()
    with run_of(history, diary) as run:
        for _ in run.epochs():
            for index, batch in enumerate(run.validation([[1.0], [3.0], [100.0]])):
                run.log(loss=batch[0])
                if index == 1:
                    break
            run.log(other=1.0)
    assert history.history == {"val_loss": [2.0], "other": [1.0]}
    assert diary.names.count("test_end") == 1


def test_a_dict_can_be_logged():
    history = History()
    with run_of(history) as run:
        for _ in run.epochs():
            for batch in run.batches([[1.0], [3.0]]):
                run.log({"loss": batch[0], "a/b": 1.0})
    assert history.history == {"loss": [2.0], "a/b": [1.0]}


def test_the_saver_of_runs_says_what_it_needs_where_a_loop_calls_it_by_hand(tmp_path):
    callbacks = CallbackList(BackupAndRestore(tmp_path / "backup"))
    with pytest.raises(NotReadyError, match=r"with Run\(model, callbacks"):
        callbacks.on_train_begin()
    with pytest.raises(NotReadyError, match=r"with Run\(model, callbacks"):
        BackupAndRestore(tmp_path / "backup").on_train_begin()


def test_a_list_of_callbacks_adds_a_history_and_a_bar_when_asked():
    callbacks = CallbackList(add_history=True, add_progbar=True, epochs=1, verbose=0)
    history, bar = callbacks
    assert isinstance(history, History)
    assert isinstance(bar, ProgbarLogger)
    assert [type(each) for each in CallbackList([history], add_history=True)] == [History]


def test_a_list_of_callbacks_is_a_session_under_keras_names():
    history = History()
    callbacks = CallbackList([history], model=SimpleNamespace(), epochs=2)
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        callbacks.on_batch_begin(0, {})
        callbacks.on_batch_end(0, {"loss": 1.0})
        callbacks.on_epoch_end(epoch, {"loss": 1.0})
    callbacks.on_train_end()
    assert history.history == {"loss": [1.0, 1.0]}
    assert history.run is callbacks
    assert (callbacks.progress.epoch, callbacks.progress.step) == (2, 2)
    assert callbacks.outcome == "completed"


def test_of_a_val_number_logged_in_the_batches_the_latest_counts():
    history = History()
    with run_of(history) as run:
        for _ in run.epochs():
            for batch in run.batches([[1.0], [3.0]]):
                run.log(loss=batch[0], val_loss=batch[0])
    assert history.history == {"loss": [2.0], "val_loss": [3.0]}


def test_a_val_name_in_a_validation_is_the_same_without_it():
    history = History()
    with run_of(history) as run:
        for _ in run.epochs():
            for batch in run.validation([[1.0], [3.0]]):
                run.log(val_loss=batch[0])
    assert history.history == {"val_loss": [2.0]}


def test_results_pushed_within_a_batch_are_the_epochs():
    history = History()
    session = Session(SimpleNamespace(), [history])
    session.train_begin()
    session.epoch_begin()
    session.batch_begin(1)
    session.validated(loss=2.0)
    session.batch_end(1, loss=1.0)
    session.epoch_end()
    session.train_end()
    assert history.history == {"loss": [1.0], "val_loss": [2.0]}


# --- walks that something still holds, and walks inside of walks ----------------------------


def test_a_walk_that_is_still_held_after_a_break_ends_with_its_epoch():
    history = History()
    with run_of(history, epochs=3) as run:
        for epoch in run.epochs():
            held = run.batches([[1], [2], [3], [4]])
            for batch in held:
                run.log(loss=float(batch[0] + 10 * epoch))
                if batch[0] == 3:
                    break
    assert history.history == {"loss": [2.0, 12.0, 22.0]}


def test_a_validation_that_is_still_held_after_a_break_ends_with_its_epoch():
    history = History()
    with run_of(history, epochs=2) as run:
        for _ in run.epochs():
            for _ in run.batches([[1]]):
                run.log(loss=1.0)
            held = run.validation([[1], [2]])
            for _ in held:
                run.log(loss=100.0)
                break
    assert history.history == {"loss": [1.0, 1.0], "val_loss": [100.0, 100.0]}


def test_a_break_out_of_a_validation_inside_a_batch_gives_the_batch_back():
    history, diary = History(), Diary()
    with run_of(history, diary) as run:
        for _ in run.epochs():
            for _ in run.batches([[1], [2]]):
                run.log(loss=1.0)
                for _ in run.validation([[1], [2]]):
                    run.log(loss=100.0)
                    break
    assert history.history == {"loss": [1.0], "val_loss": [100.0]}
    assert diary.names.index("test_end") < diary.names.index("train_batch_end 0")


def test_two_walks_side_by_side_are_an_error_that_shows_the_way():
    def train():
        with run_of() as run:
            for _ in run.epochs():
                for _ in zip(run.batches([[1], [2]]), run.batches([[3], [4]]), strict=True):
                    pass

    with pytest.raises(NotReadyError, match=r"run\.batches\(zip\(first, second\)\)"):
        train()


def test_a_validation_that_fails_and_is_caught_leaves_the_batch_as_it_was():
    history = History()

    def failing():
        yield [1]
        raise OSError("gone")

    with run_of(history) as run:
        for _ in run.epochs():
            for _ in run.batches([[1], [2]]):
                run.log(loss=1.0)
                walk = run.validation(failing())
                next(walk)
                run.log(loss=7.0)
                with pytest.raises(OSError, match="gone"):
                    next(walk)
                with pytest.raises(ZeroDivisionError):
                    run.evaluate([[1]], lambda batch: 1 / 0, RunningMeans())
                run.log(acc=5.0)
    assert history.history == {"loss": [1.0], "acc": [5.0]}


def test_a_stop_in_the_batches_leaves_out_the_validation():
    diary = Diary()
    with run_of(diary) as run:
        for _ in run.epochs():
            for _ in run.batches([[1], [2]]):
                run.stop("enough")
            for _ in run.validation([[1]]):
                pytest.fail("validated")
    assert "test_begin" not in diary.names


@pytest.mark.parametrize("method", ["batches", "validation"])
def test_a_walk_outside_of_an_epoch_or_after_the_run_is_an_error(method):
    with run_of() as run:
        for _ in run.epochs():
            pass
        with pytest.raises(NotReadyError, match=rf"run\.{method}\("):
            getattr(run, method)([[1]])
    with pytest.raises(NotReadyError):
        list(run.epochs())


def test_an_empty_batch_has_no_say_in_the_means():
    history = History()
    with run_of(history) as run:
        for _ in run.epochs():
            for batch in run.batches([[], [1.0]]):
                run.log(loss=float(len(batch)))
    assert history.history == {"loss": [1.0]}


def test_entering_a_run_again_leaves_it_as_it_was():
    with run_of() as run:
        before = signal.getsignal(signal.SIGTERM)
        with pytest.raises(NotReadyError, match="has been walked"), run:
            pass
        assert signal.getsignal(signal.SIGTERM) == before


# --- stops ---------------------------------------------------------------------------------


def test_the_loops_own_stop_stays_its_own():
    def clear(batch, logs):
        run.model.stop_training = False

    def set_again(batch, logs):
        run.model.stop_training = True

    callbacks = [LambdaCallback(on_batch_end=clear), LambdaCallback(on_batch_end=set_again)]
    with run_of(*callbacks) as run:
        for _ in run.epochs():
            for _ in run.batches([[1], [2]]):
                run.stop("its own")
    assert run.stopped == Stop("the training loop", "its own", "nothing", cut_short=True)


def test_a_stop_may_have_the_name_of_anything():
    with run_of() as run:
        run.stop("pruned", by="Optuna")
    assert (run.stopped_by, run.stop_reason) == ("Optuna", "pruned")


def test_a_stop_by_a_callback_lasts_although_a_pause_comes_after_it():
    with run_of() as run:
        run.stop("finished", by=EarlyStopping("loss"))
        run.ask(Stop("SIGTERM", means="pause", signal=signal.SIGTERM))
        assert run.pausing
        assert run.lasting_stop == Stop("EarlyStopping", "finished", "end")
        run._stops.pop()  # so that the run does not raise it


def test_an_error_after_a_signal_is_a_failure():
    session = Session(SimpleNamespace(), params={"verbose": 0})
    session.train_begin()
    session.ask(Stop("SIGTERM", means="pause", signal=signal.SIGTERM))
    session.train_end(ValueError("boom"))
    assert session.outcome == "failed"


def test_a_callback_of_a_finished_run_stops_the_model_it_is_given_next():
    stopper = TerminateOnNaN()
    with run_of(stopper) as run:
        list(run.epochs())
    other = SimpleNamespace(stop_training=False)
    stopper.set_model(other)
    stopper.request_stop("enough")
    assert other.stop_training


# --- a list of callbacks -------------------------------------------------------------------


def test_a_list_of_callbacks_takes_the_arguments_of_hooks_by_name():
    seen = []
    callbacks = CallbackList(LambdaCallback(on_epoch_end=lambda *args: seen.append(args)))
    callbacks.on_epoch_end(epoch=3, logs={"loss": 1.0})
    callbacks.on_epoch_end(4, logs=None)
    assert seen == [(3, {"loss": 1.0}), (4, None)]
    with pytest.raises(ArgumentTypeError, match="lags"):
        callbacks.on_epoch_end(4, lags=None)


def test_a_stop_is_seen_on_the_net_that_a_list_of_callbacks_was_given():
    net = torch.nn.Linear(1, 1)
    callbacks = CallbackList(EarlyStopping("loss", patience=1), model=net)
    callbacks.on_train_begin()
    assert net.stop_training is False
    for epoch in range(3):
        callbacks.on_epoch_end(epoch, {"loss": 1.0})
    assert net.stop_training is True
    callbacks.on_train_begin()
    assert net.stop_training is False
    assert not callbacks.stopping


def test_a_model_in_the_place_of_add_history_is_an_error():
    with pytest.raises(ArgumentTypeError, match="model=model"):
        CallbackList([], SimpleNamespace())


def test_a_list_of_callbacks_that_is_not_used_takes_nothing_over():
    history = History()
    with run_of(history) as run:
        CallbackList([history])
        assert history.run is run
        list(run.epochs())


def test_hears_is_asked_when_model_and_params_are_known():
    asked = []

    class Curious(Callback):
        def on_epoch_end(self, epoch, logs=None): ...

        def hears(self, hook):
            asked.append((self.params["verbose"], self.model is not None))
            return super().hears(hook)

    with run_of(Curious()) as run:
        list(run.epochs())
    assert set(asked) == {(0, True)}
