"""A run as plain data, and another one set up from it."""

import random
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from onfit.callbacks import EarlyStopping, History, ProgbarLogger, TerminateOnNaN
from onfit.core import state as room
from onfit.core.callback import Callback
from onfit.core.packages.randomness import random_state, set_random_state
from onfit.core.run import Run
from onfit.core.state import arguments_of, names_of, restore_run, run_state
from onfit.errors import FileFormatError, OnfitWarning
from onfit.storage.trees import packed, unpacked


class Model:
    """What a run asks of a model, and a list of numbers for weights."""

    stop_training = False

    def __init__(self, *weights):
        self.weights = list(weights)

    def state_for_resume(self):
        return {"weights": list(self.weights)}

    def load_state_for_resume(self, state):
        if len(state["weights"]) != len(self.weights):
            raise FileFormatError("other weights")
        self.weights = state["weights"]


class Part:
    """A part of a run that counts."""

    def __init__(self, count=0):
        self.count = count

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]


class Kept(Callback):
    """A user's callback that was written without regard to crashes."""

    def __init__(self, patience=1, name="a", path=None, verbose=0, values=None):
        self.patience, self.name, self.path = patience, name, path
        self.verbose, self.values, self._secret = verbose, values, 0
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)


class Silent(Callback):
    remembers = ()


def stored(state):
    """The state as it comes back from a disk."""
    return unpacked(*packed(state))


def run_of(*callbacks, model=None, **more):
    run = Run(model or Model(1.0), list(callbacks), epochs=3, params={"verbose": 0}, **more)
    run.introduce()
    return run


class Saves(Silent):
    """Takes the run's state at the end of one of its first batches."""

    called_last = True

    def __init__(self, after):
        self.after, self.state = after, None

    def on_train_batch_end(self, batch, logs=None):
        if self.state is None and batch + 1 == self.after:
            self.state = stored(run_state(self.run))


def saved_after(batches, *callbacks, model=None, **more):
    """The state of a run after so many batches."""
    saves = Saves(batches)
    walked(run_of(*callbacks, saves, model=model, **more))
    return saves.state


def walked(run):
    """The batches of each epoch that a run goes through; each logs its own number as loss."""
    epochs = []
    with run:
        for _ in run.epochs():
            epochs.append([])
            for batch in run.batches(range(5), size=lambda batch: 1):
                epochs[-1].append(batch)
                run.log(loss=float(batch))
    return epochs


def test_an_argument_that_has_no_text_is_one_all_the_same():
    assert arguments_of([Kept(patience=10**5000)])["Kept/0"]["patience"] == "<int>"


def test_a_name_is_the_class_and_which_of_it():
    a, b, c = Kept(), Silent(), Kept()
    assert names_of([a, b, c]) == {"Kept/0": a, "Silent/0": b, "Kept/1": c}


def test_a_run_goes_on_from_where_it_was():
    state = saved_after(2)
    run = run_of()
    restore_run(run, state)
    assert (run.progress.epoch, run.progress.batch, run.in_epoch) == (0, 2, True)
    assert walked(run) == [[2, 3, 4], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]]


def test_an_epoch_half_done_is_not_begun_again():
    told = []

    class Told(Silent):
        def on_epoch_begin(self, epoch, logs=None):
            told.append(epoch)

    state = saved_after(2)
    run = run_of(Told())
    restore_run(run, state)
    walked(run)
    assert told == [1, 2]


def test_means_of_a_half_done_epoch_count_the_batches_before():
    state = saved_after(2)
    history = History()
    run = run_of(history)
    with pytest.warns(OnfitWarning, match="begins anew"):
        restore_run(run, state)
    walked(run)
    assert history.history["loss"] == [2.0, 2.0, 2.0]


def test_between_two_epochs_the_meter_has_nothing_to_remember():
    run = run_of()
    state = stored(run_state(run))
    assert not state["in_epoch"]
    state["parts"]["meter"] = "of other metrics"
    restore_run(run_of(), state)


def test_weights_parts_and_what_callbacks_remember_come_back():
    kept, part, model = Kept(), Part(3), Model(1.0, 2.0)
    kept.seen.append(7)
    state = saved_after(1, kept, model=model, parts={"data": part})
    again, other, fresh = Kept(), Part(), Model(0.0, 0.0)
    run = run_of(again, model=fresh, parts={"data": other})
    restore_run(run, state)
    assert (again.seen, other.count, fresh.weights) == ([7, 0], 3, [1.0, 2.0])


def test_random_generators_come_back_when_the_walk_goes_on():
    random.seed(1)
    np.random.seed(1)
    state = saved_after(2)
    random.seed(1)
    np.random.seed(1)
    expected = (random.random(), np.random.random())
    run = run_of()
    restore_run(run, state)
    random.seed(5)
    np.random.seed(5)
    with run:
        for _ in run.epochs():
            for _ in run.batches(range(5), size=lambda batch: 1):
                assert (random.random(), np.random.random()) == expected
                return


def test_all_generators_are_read_and_put_back():
    import torch

    before = random_state()
    draw = [random.random(), np.random.random(), torch.rand(1).item()]
    set_random_state(stored(before))
    assert [random.random(), np.random.random(), torch.rand(1).item()] == draw


# --- how a run goes on ---------------------------------------------------------------------


def test_callbacks_in_another_order_find_their_own():
    class Other(Kept):
        pass

    a, b = Kept(), Other()
    a.seen, b.seen = [1], [2]
    state = saved_after(1, a, b)
    again, other = Kept(), Other()
    restore_run(run_of(other, again), state)
    assert (again.seen, other.seen) == ([1, 0], [2, 0])


def test_added_and_removed_callbacks_are_told_of():
    state = saved_after(1, Kept(), EarlyStopping("loss"))
    with pytest.warns(OnfitWarning) as caught:
        restore_run(run_of(Kept(), Kept(), History()), state)
    assert [str(one.message) for one in caught] == [
        "the checkpoint is of a run with the callbacks EarlyStopping/0, Kept/0; this one has "
        "History/0, Kept/0, Kept/1. What both have goes on, the rest begins anew."
    ]


def test_callbacks_that_remember_nothing_may_come_and_go():
    state = saved_after(1, Silent(), TerminateOnNaN())
    restore_run(run_of(ProgbarLogger()), state)


def test_changed_arguments_are_told_of_with_both_sides():
    state = saved_after(1, Kept(), Kept(patience=2, name="a", path="x"))
    with pytest.warns(OnfitWarning) as caught:
        restore_run(run_of(Kept(), Kept(patience=3, name="b", path="x", verbose=1)), state)
    assert [str(one.message) for one in caught] == [
        "Kept/1 was made with patience=2, name='a' when the checkpoint was saved, and with "
        "patience=3, name='b' in this run, which is what counts from here on."
    ]


def test_a_changed_argument_is_not_undone_by_what_is_remembered():
    before, now = Kept(patience=2, name="a"), Kept(patience=3, name="a")
    before.seen = [7]
    state = saved_after(1, before)
    with pytest.warns(OnfitWarning, match="patience=3 in this run, which is what counts"):
        restore_run(run_of(now), state)
    assert (now.patience, now.name, now.seen) == (3, "a", [7, 0])


def test_arguments_are_those_before_training():
    kept = Kept(patience=2)
    run = run_of(kept)
    kept.patience = 50
    assert run_state(run)["arguments"] == {
        "Kept/0": {"patience": "2", "name": "'a'", "path": "None", "values": "None"}
    }


def test_only_numbers_and_text_are_compared():
    assert arguments_of([Kept(values=[1, 2], name=3.5, path=Path("x")), Silent()]) == {
        "Kept/0": {"patience": "1", "name": "3.5", "path": "'x'"}
    }


def test_more_epochs_are_normal():
    state = saved_after(1)
    run = Run(Model(1.0), [], epochs=9, params={"verbose": 0})
    restore_run(run, state)
    assert len(walked(run)) == 9


def test_a_resumed_run_with_nothing_left_to_do_ends_with_its_generators():
    run = Run(Model(1.0), [], epochs=0, params={"verbose": 0})
    run.introduce()
    state = stored(run_state(run))
    expected = random.random()
    again = Run(Model(1.0), [], epochs=0, params={"verbose": 0})
    restore_run(again, state)
    walked(again)
    assert random.random() == expected


# --- stops -------------------------------------------------------------------------------


class Stops(Silent):
    def on_train_batch_end(self, batch, logs=None):
        self.request_stop("enough")


def test_a_stop_is_part_of_the_run():
    state = saved_after(1, Stops())
    stops = Stops()
    run = run_of(stops)
    restore_run(run, state)
    assert run.stopping
    assert (run.stopped_by, run.stop_reason) == ("Stops", "enough")
    assert run.stopped.means == "end"


def test_a_pause_is_no_part_of_the_run():
    stops = Stops()
    stops.stop_means = "pause"
    run = run_of(Stops())
    restore_run(run, saved_after(1, stops))
    assert not run.stopping


# --- what does not fit -------------------------------------------------------------------


def test_another_format_is_an_error_that_says_so():
    state = {**saved_after(1), "format": 7}
    with pytest.raises(FileFormatError) as caught:
        restore_run(run_of(), state)
    assert str(caught.value) == (
        f"the checkpoint has format 7; this version of onfit reads {room._FORMAT}. "
        "Resume with the version that wrote it."
    )


def test_a_run_of_another_kind_is_an_error_that_lists_both():
    state = saved_after(1, parts={"data": Part()})
    with pytest.raises(FileFormatError) as caught:
        restore_run(run_of(), state)
    assert "  the checkpoint has: data, meter\n  this run has:       meter\n" in str(caught.value)


def test_if_the_data_are_others_the_model_stays_as_it_is():
    class Other(Part):
        def load_state_dict(self, state):
            raise FileFormatError("other data")

    state = saved_after(1, model=Model(5.0), parts={"data": Part()})
    model = Model(1.0)
    run = run_of(model=model, parts={"data": Other()})
    with pytest.raises(FileFormatError, match="other data"):
        restore_run(run, state)
    assert model.weights == [1.0]


# --- what callbacks keep by themselves ---------------------------------------------------


def test_what_cannot_be_kept_is_named_once():
    class Holds(Callback):
        def __init__(self):
            self.count, self.lock, self.queue = 3, print, deque()

    holds = Holds()
    with pytest.warns(OnfitWarning) as caught:
        assert [holds.state_dict(), holds.state_dict()] == [{"count": 3}, {"count": 3}]
    assert [str(one.message) for one in caught] == [
        "Holds holds lock, queue, which is no plain data and is not kept for a run that is "
        "resumed. Write state_dict and load_state_dict to keep what matters of it."
    ]


def test_what_others_gave_and_what_it_does_is_no_state():
    kept = Kept()
    run_of(kept)
    kept.validation_data = [np.zeros(2)]
    kept.on_train_batch_end = lambda batch, logs=None: None
    kept.on_batch_end = lambda batch, logs=None: None
    assert set(kept.state_dict()) == {
        "patience", "name", "path", "verbose", "values", "_secret", "seen",
    }  # fmt: skip


def test_a_subclass_may_say_what_is_to_be_remembered():
    class Says(Kept):
        remembers = ("seen",)

    assert Says().state_dict() == {"seen": []}
