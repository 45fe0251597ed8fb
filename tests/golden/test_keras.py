"""Keras' own `fit` does with the callbacks, as they are, what the recorded sequence asks for."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.golden.golden import EPOCHS, VAL_LOSS, Golden, same, scalars

from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    LambdaCallback,
    LearningRateFinder,
    LearningRateScheduler,
    ModelCheckpoint,
    OneCycle,
    ReduceLROnPlateau,
    SwapEMAWeights,
    TensorBoard,
)
from onfit.errors import CapabilityError, OnfitWarning

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


class Rates(Callback):
    """Notes the weights after each batch."""

    def __init__(self):
        self.weights = []

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(np.array(self.model.get_weights()[0]))


def check_rates_of_batches():
    """A rate that is set before a batch is the rate of that batch."""
    seen, notes = [], Rates()
    scheduler = LearningRateScheduler(
        lambda step: seen.append(step) or 0.1 * (step < 3), by="batch"
    )
    fit(model(), [scheduler, notes], epochs=3)
    assert seen == [0, 1, 2, 3, 4, 5]
    moved = [not np.array_equal(*two) for two in pairwise(notes.weights)]
    assert moved == [True, True, False, False, False]


def check_patience_in_steps_and_epochs():
    for patience in ("6 steps", "3 epochs", 3):
        stop = EarlyStopping("loss", min_delta=100, patience=patience)
        fit(model(), [stop], epochs=9)
        assert stop.stopped_epoch == 3


def check_finder():
    """It leaves model and optimizer as they were before."""
    made, finder = model(momentum=0.9), LearningRateFinder(1e-4, 1.0, steps=8)
    before = [np.array(value) for value in [*made.get_weights(), *made.optimizer.variables]]
    fit(made, [finder], epochs=9)
    assert len(finder.losses) == 8
    after = [np.array(value) for value in [*made.get_weights(), *made.optimizer.variables]]
    assert same(after[: len(before)], before)
    assert not any(np.any(momentum) for momentum in after[len(before) :])


def check_graph(folder):
    """The layers are drawn, also of a model that its first batch builds."""
    import keras
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    late = keras.Sequential([keras.layers.Dense(1, name="late")])
    late.compile(optimizer="sgd", loss="mse")
    for made, name in ((model(), "dense"), (late, "late")):
        fit(made, [TensorBoard(Path(folder) / name)])
        graph = EventAccumulator(str(Path(folder) / name / "train")).Reload().Graph()
        assert graph.node[-1].name.startswith(name)


def check_batches_executed_together(folder):
    """With `steps_per_execution`, cadences and steps count batches, not executions."""
    made, folder = model(), Path(folder) / "together"
    made.compile(optimizer="sgd", loss="mse", steps_per_execution=2)
    asked = []
    callbacks = [
        ModelCheckpoint(folder / "{batch}.weights.h5", save_freq="4 batches"),
        TensorBoard(folder, update_freq="batch", write_graph=False),
        LearningRateScheduler(lambda step: asked.append(step) or 0.1, by="batch"),
    ]
    fit(made, callbacks, epochs=2, batch_size=3)  # of which an epoch has three
    assert [path.name for path in folder.glob("*.h5")] == ["2.weights.h5"]
    assert [step for step, _ in scalars(folder / "train")["batch_loss"]] == [1, 2, 4, 5]
    assert asked == [0, 2, 3, 5]


def check_all(folder):
    check_in(folder)
    check_batches()
    check_rates_of_batches()
    check_patience_in_steps_and_epochs()
    check_finder()
    check_graph(folder)


def test_keras(tmp_path):
    check_in(tmp_path)


def test_hooks_of_batches_see_the_model_as_it_is():
    check_batches()


def test_a_rate_that_is_set_before_a_batch_is_the_rate_of_that_batch():
    check_rates_of_batches()


def test_patience_counts_the_steps_and_epochs_of_keras():
    check_patience_in_steps_and_epochs()


def test_a_search_for_a_rate_leaves_model_and_optimizer_as_they_were():
    check_finder()


def test_the_graph_has_the_layers(tmp_path):
    check_graph(tmp_path)


@pytest.mark.parametrize(
    "callbacks",
    [
        lambda: [OneCycle(0.1), ReduceLROnPlateau("loss")],
        lambda: [ReduceLROnPlateau("loss"), OneCycle(0.1)],
        lambda: [LearningRateScheduler(lambda epoch: 0.1), OneCycle(0.1)],
    ],
)
def test_two_callbacks_that_set_one_rate_are_named(callbacks, recwarn):
    first, second = callbacks()
    with pytest.warns(OnfitWarning, match="set the same learning rate") as caught:
        fit(model(), [first, second])
    [said] = [str(each.message) for each in caught if each.category is OnfitWarning]
    assert type(first).__name__ in said
    assert type(second).__name__ in said


def test_those_of_another_training_are_none_of_it(recwarn):
    cycle = OneCycle(0.1)
    for callbacks in ([ReduceLROnPlateau("loss")], [cycle], [cycle]):
        fit(model(), callbacks)
    assert not [each for each in recwarn if each.category is OnfitWarning]


class WithMore(Callback):
    def on_validation_end(self, step, logs=None): ...

    def on_exception(self, exception): ...


@pytest.mark.parametrize(
    ("callback", "hooks"),
    [
        (WithMore(), "WithMore has on_validation_end and on_exception"),
        (
            LambdaCallback(on_before_optimizer_step=lambda batch, logs: None),
            "LambdaCallback has on_before_optimizer_step",
        ),
    ],
)
def test_a_hook_that_keras_never_calls_is_named(callback, hooks):
    with pytest.warns(OnfitWarning, match=f"{hooks}, which Keras' fit never calls"):
        fit(model(), [callback, EarlyStopping("loss")])


@pytest.mark.parametrize("callback", [ModelCheckpoint, TensorBoard])
@pytest.mark.parametrize("cadence", [100, "100 samples"])
def test_samples_that_keras_does_not_tell_of_are_refused(tmp_path, callback, cadence):
    freq = {ModelCheckpoint: "save_freq", TensorBoard: "update_freq"}[callback]
    with pytest.raises(CapabilityError, match="every 100 samples, and Keras' fit does not tell"):
        fit(model(), [callback(tmp_path / "x.keras", **{freq: cadence})])


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
