"""Run: every hook is called, in order, with its logs."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.core.loops import At, Diary, events_of_epoch, walk

from onfit.callbacks import CallbackList, History, LambdaCallback
from onfit.core.callback import Callback
from onfit.core.run import Run
from onfit.core.session import Session
from onfit.errors import ArgumentError, ArgumentTypeError, NotReadyError, OnfitWarning

# --- the order, and the logs -----------------------------------------------------------------


def test_every_edge_is_told_in_order():
    diary = Diary()
    run = walk(diary)
    assert diary.names == [
        "train_begin", *events_of_epoch(0), *events_of_epoch(1), "train_end",
    ]  # fmt: skip
    assert run.outcome == "completed"


def test_each_hook_is_told_its_logs():
    diary = Diary()
    walk(diary, epochs=1)
    epoch_logs = {"loss": 3.0, "val_loss": 0.5}
    assert diary.events == [
        ("train_begin", {}),
        ("epoch_begin", 0, {}),
        ("train_batch_begin", 0, {"batch": 0, "size": 2}),
        ("train_batch_end", 0, {"batch": 0, "size": 2, "loss": 3.0}),
        ("train_batch_begin", 1, {"batch": 1, "size": 1}),
        ("train_batch_end", 1, {"batch": 1, "size": 1, "loss": 3.0}),
        ("epoch_end", 0, epoch_logs),
        ("train_end", epoch_logs),
    ]


def test_epoch_logs_are_weighted_means_and_not_the_last_step():
    history = History()
    walk(history, epochs=1, batches=[(1, 1, 1), (9,)])
    assert history.history["loss"] == [4.5]
    history = History()
    walk(history, epochs=1, batches=[(1, 1), (10,)])
    assert history.history["loss"] == pytest.approx([14 / 3])


def test_means_start_anew_each_epoch():
    history = History()
    with Run(SimpleNamespace(), history, epochs=2) as run:
        for epoch in run.epochs():
            for _ in run.batches([[1], [2]]):
                run.log(loss=float(epoch))
    assert history.history["loss"] == [0.0, 1.0]


def test_what_an_epoch_does_not_log_is_not_in_its_logs():
    history = History()
    with Run(SimpleNamespace(), history, epochs=2) as run:
        for epoch in run.epochs():
            run.log(loss=1.0)
            if epoch == 0:
                run.log(val_loss=2.0)
    assert history.history == {"loss": [1.0, 1.0], "val_loss": [2.0]}


def test_a_number_logged_outside_of_batches_is_the_epochs_own():
    history = History()
    with Run(SimpleNamespace(), history) as run:
        for _ in run.epochs():
            run.log(before=torch.tensor(1.0))
            for _ in run.batches([[1], [2]]):
                run.log(loss=1.0)
            run.log(after=np.float32(2.0), loss=7.0)
    assert history.history == {"loss": [7.0], "before": [1.0], "after": [2.0]}
    assert {type(values[0]) for values in history.history.values()} == {float}


def test_numbers_logged_in_steps_belong_to_one_batch():
    diary = Diary()
    with Run(SimpleNamespace(), diary) as run:
        for _ in run.epochs():
            for _ in run.batches([[1, 2]]):
                run.log(loss=1.0, acc=0.1)
                run.log(acc=0.2)
    assert diary.events[3] == (
        "train_batch_end",
        0,
        {"batch": 0, "size": 2, "loss": 1.0, "acc": 0.2},
    )


def test_a_batch_that_logs_nothing_leaves_the_means_alone():
    history = History()
    with Run(SimpleNamespace(), history) as run:
        for _ in run.epochs():
            for batch in run.batches([[1], [2], [3]]):
                if batch != [2]:
                    run.log(loss=float(batch[0]))
    assert history.history["loss"] == [2.0]


def test_a_callback_that_keeps_batch_logs_reads_each_batchs_own():
    kept = []
    keeper = At("on_train_batch_end", lambda self, batch, logs: kept.append(logs))
    loss = torch.zeros(())
    with Run(SimpleNamespace(), keeper) as run:
        for _ in run.epochs():
            for batch in run.batches([[1], [2], [3]]):
                run.log(loss=loss.fill_(batch[0]))
    assert [logs["loss"] for logs in kept] == [1.0, 2.0, 3.0]


def test_so_far_gives_the_epochs_means_up_to_the_batch():
    seen = []
    reader = At("on_train_batch_end", lambda self, batch, logs: seen.append(dict(logs.so_far)))
    walk(reader, epochs=1, batches=[(1, 1), (5,)])
    assert seen == [{"loss": 2.0}, {"loss": 3.0}]


def test_a_number_written_into_the_logs_is_seen_by_those_behind():
    writer = At("on_epoch_end", lambda self, epoch, logs: logs.update(lr=0.1))
    early, late = History(), History()
    walk([early, writer, late], epochs=1)
    assert "lr" not in dict(early.history)
    assert late.history["lr"] == [0.1]


def test_train_end_is_told_the_last_epochs_logs():
    ends = []
    walk(At("on_train_end", lambda self, logs: ends.append(dict(logs))), epochs=2)
    assert ends == [{"loss": 3.0, "val_loss": 0.5}]


# --- what callbacks are introduced to --------------------------------------------------------


def test_callbacks_know_model_params_and_run_before_training_begins():
    model, seen = SimpleNamespace(), {}

    def look(callback, logs):
        seen.update(model=callback.model, params=callback.params, run=callback.run)

    with Run(model, At("on_train_begin", look), epochs=7, params={"batch_size": 32}) as run:
        pass
    assert seen["model"] is model
    assert seen["run"] is run
    assert seen["params"] == {
        "epochs": 7, "steps": None, "samples": None, "batch_size": 32, "verbose": 1,
        "do_validation": False, "metrics": [], "decide_at": "epochs",
    }  # fmt: skip


def test_the_optimizer_is_the_models():
    optimizer = SimpleNamespace(learning_rate=0.1)
    assert Run(SimpleNamespace(), optimizer=optimizer).model.optimizer is optimizer


def test_a_hook_put_on_before_the_run_is_heard():
    callback, told = Callback(), []
    callbacks = CallbackList(callback)
    callback.on_train_begin = told.append
    walk(callbacks, epochs=0)
    assert told == [{}]


def test_a_model_that_takes_no_attributes_is_an_error():
    with pytest.raises(ArgumentTypeError, match="dict takes no attributes"):
        Run({})


@pytest.mark.parametrize("arguments", [{"epochs": -1}, {"initial_epoch": -1}])
def test_counting_below_zero_is_an_error(arguments):
    with pytest.raises(ArgumentError, match="are whole numbers from 0; got epochs="):
        Run(SimpleNamespace(), **arguments)


# --- where the run is ------------------------------------------------------------------------


def test_a_batch_and_an_epoch_are_counted_before_their_ends_are_told():
    seen = []

    def look(callback, *args):
        progress = callback.run.progress
        seen.append((progress.epoch, progress.batch, progress.step))

    class Looking(Callback):
        on_epoch_begin = on_train_batch_begin = on_train_batch_end = on_epoch_end = look

    walk(Looking(), epochs=2)
    assert seen == [
        (0, 0, 0), (0, 0, 0), (0, 1, 1), (0, 1, 1), (0, 2, 2), (1, 2, 2),
        (1, 0, 2), (1, 0, 2), (1, 1, 3), (1, 1, 3), (1, 2, 4), (2, 2, 4),
    ]  # fmt: skip


def test_the_first_epoch_may_be_a_later_one():
    history = History()
    walk(history, epochs=5, initial_epoch=3)
    assert history.epoch == [3, 4]


@pytest.mark.parametrize(("epochs", "initial_epoch"), [(0, 0), (3, 3), (2, 5)])
def test_no_epoch_is_told_of_where_there_is_none(epochs, initial_epoch):
    diary = Diary()
    run = walk(diary, epochs=epochs, initial_epoch=initial_epoch)
    assert diary.names == ["train_begin", "train_end"]
    assert run.outcome == "completed"


def test_an_epoch_may_have_no_batch():
    diary = Diary()
    walk(diary, epochs=1, batches=[])
    assert diary.events[2] == ("epoch_end", 0, {"val_loss": 0.5})


# --- sizes -----------------------------------------------------------------------------------


def test_walking_the_epochs_again_after_a_break_goes_on_with_the_next_one() -> None:
    ended: list[int] = []
    listener = LambdaCallback(on_epoch_end=lambda epoch, logs: ended.append(epoch))
    with Run(SimpleNamespace(), listener, epochs=3) as run:
        for _ in run.epochs():
            break
        assert list(run.epochs()) == [1, 2]
    assert ended == [0, 1, 2]


def test_a_run_is_walked_once() -> None:
    run = Run(SimpleNamespace())
    with run:
        pass
    with pytest.raises(NotReadyError, match="Make a new Run for each training"):
        run.__enter__()


def test_epochs_without_with_say_what_to_write() -> None:
    with pytest.raises(NotReadyError, match=r"Write: with Run\(\.\.\.\) as run:"):
        next(Run(SimpleNamespace()).epochs())


def test_a_walk_inside_of_another_gives_its_callbacks_back() -> None:
    history = History()
    inner = Run(SimpleNamespace(), history, params={"epochs": 99})
    with Run(SimpleNamespace(), history, epochs=7) as outer:
        with inner.introduced():
            assert history.params["epochs"] == 99
        assert history.run is outer
        assert history.params["epochs"] == 7
        assert history.model is outer.model


@pytest.mark.parametrize("epochs", [2.0, "2"])
def test_epochs_are_a_whole_number(epochs: object) -> None:
    with pytest.raises(ArgumentError, match="whole numbers from 0; got epochs="):
        Run(SimpleNamespace(), epochs=epochs)  # type: ignore[arg-type]


def test_epochs_of_a_run_that_has_ended_are_an_error_that_says_so():
    run = walk(Diary())
    with pytest.raises(NotReadyError, match=r"the run has ended\. Write: with Run"):
        next(run.epochs())


def test_text_in_place_of_callbacks_is_named_whole():
    with pytest.raises(ArgumentTypeError, match="got 'early' of type str"):
        Run(SimpleNamespace(), "early", epochs=2)


def test_what_is_logged_outside_of_an_epoch_is_warned_of():
    history = History()
    with Run(SimpleNamespace(), [history], epochs=1) as run:
        with pytest.warns(OnfitWarning, match=r"run\.log\(before\) was called outside of an epoch"):
            run.log(before=1.0)
        for _ in run.epochs():
            run.log(loss=1.0)
        with pytest.warns(OnfitWarning, match=r"run\.log\(a, b\) was called outside of an epoch"):
            run.log({"a": 1.0}, b=2.0)
    assert history.history == {"loss": [1.0]}


# --- arguments -------------------------------------------------------------------------------


def test_a_misspelt_argument_is_named_with_the_nearest():
    with pytest.raises(ArgumentTypeError, match=r"Run\(epoch=\.\.\.\).*Did you mean 'epochs'"):
        Run(SimpleNamespace(), [], epoch=3)
    with pytest.raises(ArgumentTypeError, match=r"Session\(optimiser=.*Did you mean 'optimizer'"):
        Session(SimpleNamespace(), [], optimiser=None)
