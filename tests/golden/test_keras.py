"""Keras' own `fit` does with the callbacks, as they are, what the recorded sequence asks for."""

import numpy as np
import pytest
from tests.golden.golden import EPOCHS, VAL_LOSS, Golden

from onfit.callbacks import BackupAndRestore, Callback, ModelCheckpoint, SwapEMAWeights
from onfit.errors import CapabilityError

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword"),
]


class Recorded(Callback):
    """Puts the recorded value into the logs of a `fit` that does not validate."""

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = VAL_LOSS[epoch]


def model(**options):
    import keras

    made = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
    made.compile(optimizer=keras.optimizers.SGD(0.1, **options), loss="mse")
    return made


def fit(made, callbacks, **arguments):
    x = np.random.default_rng(0).random((8, 3)).astype("float32")
    arguments = {"batch_size": 4, "verbose": 0, **arguments}
    return made.fit(x, x.sum(1, keepdims=True), callbacks=callbacks, **arguments)


def check_in(folder):
    golden, made = Golden(folder, suffix=".weights.h5"), model()
    fit(made, [Recorded(), *golden.callbacks], epochs=EPOCHS)
    golden.check([np.array(weight) for weight in made.get_weights()])


def check_batches():
    """The weights that a callback sees in each batch are those of the batch before."""

    class Looks(Callback):
        def __init__(self):
            self.losses, self.weights = [], []

        def on_train_batch_end(self, batch, logs=None):
            self.losses.append(logs["loss"])
            self.weights.append(np.array(self.model.get_weights()[0]))

        def on_test_end(self, logs=None):
            self.tested = logs["loss"]

    looks, made = Looks(), model()
    history = fit(made, [looks], epochs=2, validation_split=0.5)
    assert len(looks.losses) == 2
    assert not np.array_equal(*looks.weights)
    assert np.array_equal(looks.weights[-1], np.array(made.get_weights()[0]))
    assert looks.tested == history.history["val_loss"][-1]


def test_keras(tmp_path):
    check_in(tmp_path)


def test_hooks_of_batches_see_the_model_as_it_is():
    check_batches()


@pytest.mark.parametrize(
    ("callback", "instead"),
    [
        (BackupAndRestore, r"keras\.callbacks\.BackupAndRestore"),
        (SwapEMAWeights, r"keras\.callbacks\.SwapEMAWeights"),
        (ModelCheckpoint, "leave out what asks for it"),
    ],
)
def test_what_keras_cannot_give_is_said_before_training(tmp_path, callback, instead):
    arguments = {
        BackupAndRestore: [tmp_path],
        SwapEMAWeights: [],
        ModelCheckpoint: [tmp_path / "x.keras"],
    }
    more = {"background": True} if callback is ModelCheckpoint else {}
    made = model(use_ema=True)
    before = made.get_weights()
    with pytest.raises(CapabilityError, match=instead):
        fit(made, [callback(*arguments[callback], **more)])
    assert all(map(np.array_equal, before, made.get_weights()))
