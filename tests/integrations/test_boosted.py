"""What boosters have in common, on a booster of paper."""

import numpy as np
import pytest

from onfit.callbacks import Callback, EarlyStopping, History, ModelCheckpoint
from onfit.errors import ArgumentError, FileFormatError
from onfit.integrations.boosted import BoostedModel, Boosting, in_keras_words


class Paper(BoostedModel):
    """A booster that is the list of its rounds."""

    suffixes = (".rounds",)
    only_adds = True

    def __init__(self, booster=None, optimizer=None):
        super().__init__([] if booster is None else booster, optimizer)

    @property
    def rounds(self):
        return len(self.booster)

    def as_bytes(self, suffix):
        return bytes(self.booster)

    def load(self, content):
        if b"!" in content:
            raise ValueError("no rounds")
        self.booster[:] = list(content)

    def cut(self, rounds):
        del self.booster[rounds:]


class Whole(Paper):
    only_adds = False


class Loop(Boosting):
    owner, instead = "the test", "leave it out"

    def train(self, model, values):
        self.begin(model, 0)
        for value in values:
            self.begin_round()
            model.booster.append(len(model.booster))
            if self.end_round({"val_loss": value}):
                break
        self.running.train_end()


@pytest.mark.parametrize("kind", [Paper, Whole])
def test_the_best_rounds_come_back(tmp_path, kind):
    history = History()
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.rounds", save_best_only=True)
    callbacks = [EarlyStopping(patience=2, restore_best_weights=True), checkpoint, history]
    Loop(callbacks).train(model := kind(), [3.0, 2.0, 2.5, 2.5, 1.0])
    assert model.booster == [0, 1]
    assert history.history == {"val_loss": [3.0, 2.0, 2.5, 2.5]}
    assert (tmp_path / "2.rounds").read_bytes() == bytes([0, 1])
    assert not (tmp_path / "3.rounds").exists()


def test_rounds_that_are_cut_off_do_not_come_back():
    model = Paper([0, 1, 2])
    weights = model.get_weights()
    model.set_weights([np.array(1)])
    assert model.booster == [0]
    with pytest.raises(ArgumentError, match="a model of 3 rounds, and the booster has 1"):
        model.set_weights(weights)


def test_a_file_is_of_the_boosters_own_format(tmp_path):
    model = Paper([0, 1])
    with pytest.raises(ArgumentError, match=r"ends in \.rounds"):
        model.save(tmp_path / "model.h5")
    model.save(tmp_path / "model.rounds")
    (other := Paper()).load_weights(tmp_path / "model.rounds")
    assert other.booster == [0, 1]
    (tmp_path / "model.rounds").write_bytes(b"!")
    with pytest.raises(FileFormatError, match="no file of this kind of booster: no rounds"):
        other.load_weights(tmp_path / "model.rounds")


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(OSError, match=r"none\.rounds"):
        Paper().load_weights(tmp_path / "none.rounds")


def test_an_exception_in_a_callback_ends_the_training_for_all():
    class Raises(Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise RuntimeError("a fault")

    history = History()
    with pytest.raises(RuntimeError, match="a fault"):
        Loop([history, Raises()]).train(Paper(), [1.0])
    assert history.run.outcome == "failed"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train"], ["loss"]),
        (["eval"], ["val_loss"]),
        (["validation_0", "validation_1"], ["validation_0_loss", "val_loss"]),
        (["eval", "train"], ["val_loss", "loss"]),
        ([], []),
    ],
)
def test_of_several_sets_the_last_that_is_not_trained_on_validates(names, expected):
    results = [(name, "loss", 1.0) for name in names]
    assert list(in_keras_words(results, {"train"})) == expected
