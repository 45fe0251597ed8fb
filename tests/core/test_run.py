"""Run: every edge is told, in order, whatever happens in between."""

import collections
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from onfit.callbacks import EarlyStopping, History, LambdaCallback
from onfit.core.callback import Callback
from onfit.core.callback_list import CallbackList
from onfit.core.hooks import HOOKS
from onfit.core.logs import Logs
from onfit.core.meter import RunningMeans
from onfit.core.run import Run
from onfit.core.sizes import batch_size
from onfit.errors import ArgumentError, ArgumentTypeError, NotReadyError


class Diary(Callback):
    """Writes down every hook: its name, its index if it has one, and its logs as they were."""

    def __init__(self):
        self.events = []
        for hook in HOOKS:
            setattr(self, hook, lambda *args, hook=hook: self.write(hook, *args))

    def write(self, hook, *args):
        args = [dict(arg) if isinstance(arg, dict) else arg for arg in args]
        self.events.append((hook.removeprefix("on_"), *args))

    @property
    def names(self):
        return [event[0] if len(event) < 3 else f"{event[0]} {event[1]}" for event in self.events]


class At(Callback):
    """Does something at one hook."""

    def __init__(self, hook, action):
        setattr(self, hook, lambda *args: action(self, *args))


def stop(callback, *args):
    callback.model.stop_training = True


def fail(error):
    def action(callback, *args):
        raise error

    return action


def walk(callbacks, epochs=2, batches=((1, 2), (3,)), **options):
    """A user's loop: the loss of a batch is its sum."""
    with Run(SimpleNamespace(), callbacks, epochs=epochs, **options) as run:
        for _ in run.epochs():
            for batch in run.batches([list(batch) for batch in batches]):
                run.log(loss=float(sum(batch)))
            run.log(val_loss=0.5)
    return run


EPOCH = ["epoch_begin {0}", "train_batch_begin 0", "train_batch_end 0", "train_batch_begin 1",
         "train_batch_end 1", "epoch_end {0}"]  # fmt: skip


def events_of_epoch(epoch):
    return [name.format(epoch) for name in EPOCH]


# --- the order, and what is told -------------------------------------------------------------


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


# --- what callbacks are introduced to ---------------------------------------------------------


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
        "do_validation": False, "metrics": [],
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


# --- where the run is -------------------------------------------------------------------------


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


# --- stopping ---------------------------------------------------------------------------------


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
    assert run.callbacks.stopped_by is stopper


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
    callbacks.stopped_by = callbacks.callbacks[0]
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


# --- leaving the loop -------------------------------------------------------------------------


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
    assert diary.events[-2] == ("epoch_end", 0, {"loss": 1.0, "val_loss": 0.5})


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


# --- evaluation and prediction ----------------------------------------------------------------


def summing(means):
    return lambda batch: means.add({"loss": float(sum(batch))}, len(batch))


def test_evaluation_is_told_and_returns_its_means():
    diary, means = Diary(), RunningMeans()
    run = Run(SimpleNamespace(), CallbackList(diary))
    run.introduce()
    logs = run.evaluate([[1, 1], [5]], summing(means), means)
    assert logs == {"loss": 3.0}
    assert diary.events == [
        ("test_begin", {}),
        ("test_batch_begin", 0, {"batch": 0, "size": 2}),
        ("test_batch_end", 0, {"batch": 0, "size": 2, "loss": 2.0}),
        ("test_batch_begin", 1, {"batch": 1, "size": 1}),
        ("test_batch_end", 1, {"batch": 1, "size": 1, "loss": 5.0}),
        ("test_end", {"loss": 3.0}),
    ]


def test_validation_enters_the_epochs_logs_behind_a_prefix():
    history, means = History(), RunningMeans()
    with Run(SimpleNamespace(), history, epochs=2) as run:
        for epoch in run.epochs():
            for _ in run.batches([[1]]):
                run.log(loss=1.0)
            if epoch == 1:
                run.validate([[2], [4]], summing(means), means)
    assert history.history == {"loss": [1.0, 1.0], "val_loss": [3.0]}


def test_evaluation_forgets_what_its_meter_held():
    means = RunningMeans()
    run = Run(SimpleNamespace())
    for _ in range(2):
        assert run.evaluate([[2]], summing(means), means) == {"loss": 2.0}


def test_prediction_is_told_and_yields_each_output():
    diary = Diary()
    run = Run(SimpleNamespace(), CallbackList(diary))
    run.introduce()
    assert list(run.predict([[1, 2], [3]], sum)) == [3, 3]
    assert diary.events == [
        ("predict_begin", {}),
        ("predict_batch_begin", 0, {"batch": 0, "size": 2}),
        ("predict_batch_end", 0, {"batch": 0, "size": 2, "outputs": 3}),
        ("predict_batch_begin", 1, {"batch": 1, "size": 1}),
        ("predict_batch_end", 1, {"batch": 1, "size": 1, "outputs": 3}),
        ("predict_end", {}),
    ]


def test_a_size_can_be_told():
    sizes, means = [], RunningMeans()

    class Sizes(Callback):
        def on_train_batch_end(self, batch, logs=None):
            sizes.append(logs["size"])

        on_test_batch_begin = on_predict_batch_end = on_train_batch_end

    with Run(SimpleNamespace(), Sizes()) as run:
        for _ in run.epochs():
            for _ in run.batches(["ab"], size=len):
                run.log(loss=1.0)
        run.evaluate(["abc"], lambda batch: None, means, size=len)
        list(run.predict(["abcd"], str, size=len))
    assert sizes == [2, 3, 4]


def test_a_meter_of_ones_own_measures_the_batches():
    class Constant:
        latest = 1.0
        loss = size = None

        def reset(self):
            self.resets = getattr(self, "resets", 0) + 1

        def report_batch(self, logs, latest):
            logs["loss"] = latest

        def report_epoch(self, logs: Logs, prefix=""):
            logs[f"{prefix}loss"] = 2.0

    diary, meter = Diary(), Constant()
    with Run(SimpleNamespace(), diary, epochs=2, meter=meter) as run:
        for _ in run.epochs():
            list(run.batches([[1]]))
    assert meter.resets == 2
    assert diary.events[3] == ("train_batch_end", 0, {"batch": 0, "size": 1, "loss": 1.0})
    assert diary.events[4] == ("epoch_end", 0, {"loss": 2.0})


# --- idling -----------------------------------------------------------------------------------


class Idle(Callback):
    """Wants to hear of every fourth batch."""

    idle_until = 0

    def __init__(self):
        self.told = []

    def on_epoch_begin(self, epoch, logs=None):
        self.idle_until = 0

    def on_train_batch_end(self, batch, logs=None):
        self.told.append(batch)
        self.idle_until = batch + 1 + 4


def idled(*callbacks, epochs=1):
    with Run(SimpleNamespace(), callbacks, epochs=epochs) as run:
        for _ in run.epochs():
            list(run.batches([[0]] * 10))


def test_a_callback_that_idles_is_passed_over():
    idle = Idle()
    idled(idle, epochs=2)
    assert idle.told == [0, 4, 8, 0, 4, 8]


def test_of_two_that_idle_the_one_that_is_due_first_wakes_both():
    class Longer(Idle):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.idle_until = batch + 1 + 7

    idle, longer = Idle(), Longer()
    idled(idle, longer)
    assert idle.told == longer.told == [0, 4, 8]


def test_who_idles_is_told_of_all_where_another_hears_all():
    idle, diary = Idle(), Diary()
    idled(idle, diary)
    assert idle.told == list(range(10))
    assert sum(event[0] == "train_batch_end" for event in diary.events) == 10


def test_who_stops_idling_is_told_of_all_from_there():
    class Awake(Idle):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.idle_until = None if self.told[-1] >= 4 else self.idle_until

    awake = Awake()
    idled(awake)
    assert awake.told == [0, 4, 5, 6, 7, 8, 9]


# --- sizes ------------------------------------------------------------------------------------

ARRAY = np.zeros((5, 2))


@pytest.mark.parametrize(
    ("batch", "size"),
    [
        (ARRAY, 5),
        (torch.zeros(5, 2), 5),
        ((ARRAY, np.zeros(5)), 5),
        ([torch.zeros(5, 2), torch.zeros(5)], 5),
        (((ARRAY, ARRAY), ARRAY), 5),
        ({"x": ARRAY, "y": ARRAY}, 5),
        (({"x": ARRAY}, ARRAY), 5),
        (collections.OrderedDict(x=ARRAY), 5),
        (collections.UserDict(input_ids=ARRAY, mask=ARRAY), 5),
        ([1, 2, 3], 3),
        (([1, 2, 3], [0, 1, 0]), 3),
        (["abc", "de"], 2),
        ((["abc", "de"], ARRAY), 2),
        (torch.tensor(1.0), 1),
        (np.float32(1.0), 1),
        (7, 1),
        (None, 1),
        ("text", 1),
        ((), 1),
        ({}, 1),
        (range(4), 4),
    ],
)
def test_the_size_of_a_batch_is_the_length_of_its_first_array(batch, size):
    found = batch_size(batch)
    assert found == size
    assert type(found) is int


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
