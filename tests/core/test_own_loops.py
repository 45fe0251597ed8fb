"""Run in loops as people write them: `break`, validation, and what comes at the wrong place."""

from types import SimpleNamespace

import pytest
from tests.core.loops import Diary

from onfit.callbacks import BackupAndRestore, CallbackList, History, ProgbarLogger
from onfit.core import Run, Session
from onfit.errors import NotReadyError


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
