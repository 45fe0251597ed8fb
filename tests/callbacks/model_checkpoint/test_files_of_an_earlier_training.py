"""Files of an earlier training: what ModelCheckpoint reads in them, and what it leaves alone."""

import pytest
from tests.callbacks.model_checkpoint.noted_model import Model, best, files, read, train, write

from onfit.callbacks.model_checkpoint import ModelCheckpoint
from onfit.core import Run


def test_a_file_says_how_good_it_is():
    train(best(), [0.5, 0.3])
    note = read("best.h5")["notes"]["ModelCheckpoint"]
    assert (note["monitor"], note["mode"], note["value"]) == ("val_loss", "min", 0.3)


def test_a_training_that_goes_on_knows_the_best_of_before():
    train(best(), [0.5, 0.3])
    callback = best()
    train(callback, [0.4], initial_epoch=2)
    assert callback.best == 0.3
    assert read("best.h5")["state"] == 2


def test_loading_the_weights_on_restart_brings_the_best_along():
    train(best(), [0.5, 0.3])
    model = train(best(load_weights_on_restart=True), [0.4])
    assert model.loaded == ["best.h5"]
    assert read("best.h5")["state"] == 2


def test_the_k_best_of_before_count_when_a_training_goes_on():
    train(ModelCheckpoint("{epoch}.h5", keep=2), [0.5, 0.3])
    train(ModelCheckpoint("{epoch}.h5", keep=2), [0.4, 0.6], initial_epoch=2)
    assert files() == ["2.h5", "3.h5"]


def test_a_new_training_starts_without_a_best_and_says_that_it_replaces_a_better_file(capsys):
    train(best(), [0.3])
    train(best(), [0.5, 0.4])
    assert capsys.readouterr().out.splitlines() == [
        "ModelCheckpoint replaces 'best.h5', whose val_loss of 0.30000 is better than the 0.50000 "
        "of this new training. To go on from a file pass load_weights_on_restart=True; to keep "
        "it, give another filepath."
    ]
    assert read("best.h5")["state"] == 2


def test_replacing_a_worse_file_is_not_worth_a_word(capsys):
    train(best(), [0.5])
    train(best(), [0.4])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "other",
    [{"monitor": "val_acc"}, {"mode": "max"}],
)
def test_a_value_of_another_kind_is_not_compared(other):
    train(best(), [0.3])
    callback = best(on_missing="warn", **other)
    model = Model()
    with Run(model, callback, epochs=2, initial_epoch=1) as run:
        for _ in run.epochs():
            run.log(val_loss=0.5, val_acc=0.5)
    assert callback.best == 0.5


def test_a_file_of_other_weights_is_not_compared():
    class Wider(Model):
        def named_weights(self):
            return [("kernel", memoryview(b"ab"))]

    train(best(), [0.3])
    callback = best()
    train(callback, [0.5], Wider(), initial_epoch=1)
    assert callback.best == 0.5


def test_a_file_without_notes_says_nothing():
    write("best.h5", "old", None)
    callback = best()
    train(callback, [0.5], initial_epoch=1)
    assert callback.best == 0.5


def test_a_better_file_than_the_threshold_raises_it():
    train(best(), [0.3])
    callback = best(initial_value_threshold=0.4)
    train(callback, [0.35], initial_epoch=1)
    assert callback.best == 0.3


def test_a_name_with_fields_takes_only_numbers_for_its_own():
    train(best(), [0.1])
    for name in ("last.h5", "gen-best-2.h5", "other.h5"):
        write(name, "somebody's", {"ModelCheckpoint": {"monitor": "val_loss"}})
    train(ModelCheckpoint("{epoch:02d}.h5", keep=2), [0.5, 0.4])
    train(ModelCheckpoint("{epoch:02d}.h5", keep=2), [0.3, 0.2, 0.6], initial_epoch=2)
    assert files() == ["03.h5", "04.h5", "best.h5", "gen-best-2.h5", "last.h5", "other.h5"]


def test_the_newest_to_load_has_a_number_where_the_field_is():
    write("gen-1.h5", 1, None)
    write("gen-best.h5", "best", None)
    model = train(ModelCheckpoint("gen-{epoch}.h5", load_weights_on_restart=True), [0.5])
    assert model.loaded == ["gen-1.h5"]


def test_of_a_training_it_goes_on_from_the_best_stay():
    train(ModelCheckpoint("{epoch}.h5", keep=3), [0.5, 0.6, 0.7])
    train(ModelCheckpoint("{epoch}.h5", keep=2), [0.1, 0.55], initial_epoch=5)
    assert files() == ["1.h5", "6.h5"]


@pytest.mark.parametrize("note", [5, None, {"monitor": "val_loss"}, {"value": "good"}])
def test_a_note_of_somebody_else_says_nothing(note):
    write("best.h5", "old", {"ModelCheckpoint": note})
    callback = best()
    train(callback, [0.5], initial_epoch=1)
    assert callback.best == 0.5
