"""What boosters have in common, on a booster of paper."""

import pytest
from tests.integrations.paper import Paper

from onfit.callbacks import Callback, EarlyStopping, History, ModelCheckpoint
from onfit.integrations.hosting.owners import Owner
from onfit.integrations.hosting.rounds import Boosting


class Whole(Paper):
    only_adds = False


class Loop(Boosting):
    owner = Owner("the test", "leave it out")

    def train(self, model, values):
        self.begin_rounds(model, 0)
        for value in values:
            self.begin_round()
            model.booster.append(len(model.booster))
            if self.end_round({"val_loss": value}):
                break
        self.end()


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


def test_an_exception_in_a_callback_ends_the_training_for_all():
    class Raises(Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise RuntimeError("a fault")

    history = History()
    with pytest.raises(RuntimeError, match="a fault"):
        Loop([history, Raises()]).train(Paper(), [1.0])
    assert history.run.outcome == "failed"
