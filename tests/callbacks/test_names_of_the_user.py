"""A subclass of a built-in callback may use the name `run` for itself: the built-in goes on."""

from types import SimpleNamespace

import pytest

from onfit.callbacks import EarlyStopping, History, ModelCheckpoint, ProgbarLogger, TensorBoard
from onfit.core import Run


class Savable(SimpleNamespace):
    def save(self, filepath):
        with open(filepath, "w") as file:
            file.write("model")

    save_weights = load_weights = save


MADE = {
    EarlyStopping: lambda kind, folder: kind("loss", patience=9),
    History: lambda kind, folder: kind(),
    ModelCheckpoint: lambda kind, folder: kind(folder / "{epoch}-{batch}.h5", save_freq="batch"),
    ProgbarLogger: lambda kind, folder: kind("steps"),
    TensorBoard: lambda kind, folder: kind(folder / "logs", update_freq="batch", write_graph=False),
}


@pytest.mark.parametrize("kind", MADE)
def test_its_own_run_stays_and_the_callback_works(kind, tmp_path):
    tracker = object()

    class Mine(kind):
        def on_train_begin(self, logs=None):
            self.run = tracker
            super().on_train_begin(logs)

    callback = MADE[kind](Mine, tmp_path)
    with Run(Savable(), [callback], epochs=2) as run:
        for _ in run.epochs():
            for _ in run.batches([[1, 2]] * 2):
                run.log(loss=1.0)
    assert callback.run is tracker
    if kind is ModelCheckpoint:
        assert sorted(path.name for path in tmp_path.glob("*.h5")) == [
            "1-1.h5",
            "1-2.h5",
            "2-1.h5",
            "2-2.h5",
        ]
