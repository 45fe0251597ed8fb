"""What callbacks decided is kept, with the reason: newest 1000, across a resume, shown if asked."""

import pickle
from types import SimpleNamespace

import pytest
from tests.callbacks.backed_up import At, kill, killed
from tests.callbacks.backed_up import train as train_backed_up

from onfit.callbacks import (
    EarlyStopping,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
    TimeLimit,
)
from onfit.core import Run
from onfit.core.judging.decisions import note


class Savable(SimpleNamespace):
    def save(self, filepath):
        with open(filepath, "w") as file:
            file.write("model")

    save_weights = load_weights = save


def train(callback, values, name="val_loss", **options):
    model = Savable(optimizer=SimpleNamespace(learning_rate=1.0))
    with Run(model, [callback], epochs=len(values), **options) as run:
        for epoch in run.epochs():
            for _ in run.batches([[1]]):
                run.log(loss=values[epoch])
            run.log(**{name: values[epoch]})
    return [(each.epoch, each.value, each.what, each.why) for each in callback.decisions]


def test_early_stopping_says_why_it_waits_and_stops():
    assert train(EarlyStopping(patience=2, min_delta=0.001), [0.3, 0.31, 0.2995, 0.5]) == [
        (0, 0.3, "improved", "val_loss 0.3 is the first value"),
        (1, 0.31, "waited", "val_loss 0.31 did not beat 0.3 by 0.001; 1 of 2"),
        (
            2,
            0.2995,
            "stopped",
            "val_loss 0.2995 did not beat 0.3 by 0.001; "
            "val_loss has not improved on 0.3 for 2 epochs",
        ),
    ]


def test_a_baseline_that_is_not_beaten_is_a_reason_to_wait():
    whys = [why for *_, why in train(EarlyStopping(patience=9, baseline=0.1), [0.3, 0.2, 0.05])]
    assert whys[1] == "val_loss 0.2 beat 0.3, and is not past the baseline 0.1; 2 of 9"
    assert whys[2] == "val_loss 0.05 beat 0.2"


def test_a_reduction_says_from_which_rate_to_which():
    reduce = ReduceLROnPlateau(patience=1, factor=0.5, min_lr=0.5, cooldown=2)
    found = train(reduce, [3.0, 3.0, 3.0, 3.0, 3.0])
    assert [what for _, _, what, _ in found] == [
        "improved", "reduced", "waited", "waited", "waited"
    ]  # fmt: skip
    assert found[1][3].endswith("1 of 1: the rate goes from 1.0 to 0.5")
    assert found[2][3].endswith("1 of 2 of the cooldown left")
    assert found[4][3].endswith("the rate is as low as min_lr")


def test_a_checkpoint_says_what_it_saved_and_what_not(tmp_path):
    path = tmp_path / "{epoch}.h5"
    found = train(ModelCheckpoint(path, save_best_only=True), [3.0, 4.0, 2.0])
    assert [(epoch, what) for epoch, _, what, _ in found] == [
        (0, "saved"), (1, "skipped"), (2, "saved")
    ]  # fmt: skip
    assert found[1][3] == "val_loss did not improve from 3.00000"


def test_a_checkpoint_within_epochs_says_at_which_step(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "{step}.h5", save_freq="batch")
    train(checkpoint, [3.0, 2.0])
    assert [(each.epoch, each.step) for each in checkpoint.decisions] == [(None, 1), (None, 2)]


def test_a_nan_and_a_time_limit_are_decisions():
    ((_, value, what, why),) = train(TerminateOnNaN(), [1.0, float("nan"), 1.0])
    assert value != value
    assert (what, why) == ("stopped", "the loss of batch 0 was nan")
    times = iter(range(0, 100, 10))
    ((_, _, what, why),) = train(TimeLimit("35 seconds", clock=lambda: next(times)), [1.0] * 9)
    assert (what, why) == ("stopped", "its limit of 35 seconds is reached")


def test_a_new_training_forgets_the_decisions_of_the_one_before():
    stop = EarlyStopping(patience=9)
    train(stop, [3.0, 2.0])
    assert len(train(stop, [3.0])) == 1


def test_the_newest_thousand_are_kept():
    callback = EarlyStopping()
    for epoch in range(1005):
        note(callback, "waited", "", epoch=epoch)
    assert [callback.decisions[0].epoch, callback.decisions[-1].epoch] == [5, 1004]
    assert len(callback.decisions) == 1000


def test_the_list_that_a_user_gets_is_the_users():
    stop = EarlyStopping(patience=9)
    train(stop, [3.0])
    stop.decisions.clear()
    assert len(stop.decisions) == 1


def test_a_subclass_may_call_something_of_its_own_decisions():
    class Mine(EarlyStopping):
        def __init__(self):
            super().__init__(patience=9)
            self.decisions = {}

    mine = Mine()
    with Run(SimpleNamespace(), [mine], epochs=2) as run:
        for _ in run.epochs():
            run.log(val_loss=1.0)
    assert mine.decisions == {}


def test_they_are_in_a_copy():
    stop = EarlyStopping(patience=9)
    train(stop, [3.0])
    assert pickle.loads(pickle.dumps(stop)).decisions == stop.decisions


def test_verbose_2_shows_each(capsys):
    train(EarlyStopping(patience=9, verbose=2), [3.0, 4.0])
    assert "Epoch 00002: EarlyStopping: val_loss 4.0 did not beat 3.0; 1 of 9\n" in (
        capsys.readouterr().out
    )
    train(ReduceLROnPlateau(patience=1, verbose=2), [3.0, 3.0])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith("Epoch 00002: ReduceLROnPlateau: val_loss 3.0 did not beat 3.0")
    assert lines[-1] == "Epoch 00002: ReduceLROnPlateau reducing learning rate to 0.1."


@pytest.mark.parametrize("verbose", [0, 1])
def test_else_it_shows_none(capsys, verbose):
    train(EarlyStopping(patience=9, verbose=verbose), [3.0, 4.0], params={"verbose": 0})
    assert capsys.readouterr().out == ""


def test_a_resumed_run_has_those_of_the_run_before(tmp_path):
    def stopping():
        return EarlyStopping("weight", mode="max", patience=9)

    whole = stopping()
    train_backed_up(tmp_path / "whole", whole)
    killed(tmp_path / "cut", stopping(), At(kill, epoch=1, batch=2))
    resumed = stopping()
    train_backed_up(tmp_path / "cut", resumed)
    assert resumed.decisions == whole.decisions
    assert len(whole.decisions) == 3
