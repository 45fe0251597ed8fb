"""Keras' own callbacks in onfit's trainings do what onfit's do."""

import warnings

import keras
import numpy as np
import pytest
import torch

from onfit import Run, Sequential, callbacks
from onfit.callbacks import BackupAndRestore, Callback
from onfit.errors import OnfitWarning
from onfit.layers import Dense

X = np.random.default_rng(0).random((40, 4)).astype("float32")
Y = X.sum(1, keepdims=True)
VALUES = [3.0, 2.0, 2.0, 2.5, 1.0, 1.5, 1.25, 1.0, 0.5, 0.25]

ARGUMENTS = {"batch_size": 10, "verbose": 0, "shuffle": False, "epochs": len(VALUES)}


class Recorded(Callback):
    """Logs a quantity that improves, ties and worsens."""

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = VALUES[epoch]


def model():
    torch.manual_seed(0)
    made = Sequential([Dense(4, input_dim=4), Dense(1)])
    made.compile(optimizer="sgd", loss="mse", metrics=["mae"])
    return made


def fitted(callback):
    made = model()
    history = made.fit(X, Y, callbacks=[Recorded(), callback], **ARGUMENTS)
    return history.history, made.get_weights()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("EarlyStopping", {"patience": 3, "restore_best_weights": True}),
        ("EarlyStopping", {"monitor": "mae", "patience": 1, "min_delta": 0.05}),
        ("ReduceLROnPlateau", {"patience": 2, "factor": 0.5}),
        ("LearningRateScheduler", {"schedule": lambda epoch, rate: rate * 0.5}),
        ("TerminateOnNaN", {}),
    ],
)
def test_keras_callbacks_do_in_fit_what_ours_do(name, arguments):
    theirs, ours = (
        fitted(getattr(library, name)(**arguments)) for library in (keras.callbacks, callbacks)
    )
    assert theirs[0].keys() == ours[0].keys()
    for quantity in ours[0]:
        np.testing.assert_allclose(theirs[0][quantity], ours[0][quantity], rtol=1e-6)
    for mine, other in zip(theirs[1], ours[1], strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_model_checkpoint_of_keras_writes_files_that_keras_reads(tmp_path, suffix):
    arguments = {"save_best_only": True, "save_weights_only": suffix == ".weights.h5"}
    path = str(tmp_path / ("{epoch}" + suffix))
    fitted(keras.callbacks.ModelCheckpoint(path, **arguments))
    names = {file.name.removesuffix(suffix) for file in tmp_path.iterdir()}
    assert names == {"1", "2", "5", "9", "10"}
    twin = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(1)])
    twin.build((None, 4))
    if suffix == ".keras":
        twin = keras.models.load_model(tmp_path / "10.keras")
    else:
        twin.load_weights(tmp_path / "10.weights.h5")
    _, weights = fitted(Callback())
    for theirs, ours in zip(twin.weights, weights, strict=True):
        np.testing.assert_allclose(theirs.value.detach().numpy(), ours, rtol=1e-6)


def test_csv_logger_lambda_callback_and_history_of_keras(tmp_path):
    seen, history = [], keras.callbacks.History()
    logger = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    made = model()
    made.fit(X, Y, epochs=2, batch_size=20, verbose=0, callbacks=[logger, history, note])
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0].startswith("epoch,loss,mae")
    assert [line[0] for line in lines[1:]] == ["0", "1"]
    assert seen == [0, 1, 0, 1]
    assert history.epoch == [0, 1]


class Own(keras.callbacks.Callback):
    """A user's own, as a script for Keras has it."""

    def __init__(self):
        super().__init__()
        self.losses, self.batches = [], 0

    def on_batch_end(self, batch, logs=None):
        self.batches += 1

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["loss"])
        if len(self.losses) == 3:
            self.model.stop_training = True


@pytest.mark.parametrize(
    "theirs",
    [
        lambda: keras.callbacks.ReduceLROnPlateau("loss"),
        lambda: keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate),
    ],
)
def test_one_that_sets_the_rate_that_ours_sets_is_named(theirs):
    theirs = theirs()
    with pytest.warns(OnfitWarning, match=f"OneCycle and {type(theirs).__name__} set the same"):
        model().fit(X, Y, callbacks=[theirs, callbacks.OneCycle(0.1)], **ARGUMENTS)


def test_a_users_own_subclass_stops_a_run_and_names_itself():
    net, own = torch.nn.Linear(4, 1), Own()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    params = {"verbose": 0}
    with Run(net, [own], optimizer=optimizer, epochs=9, params=params) as run:
        for _ in run.epochs():
            for _ in run.batches([1, 2]):
                run.log(loss=0.5)
    assert (own.losses, own.batches, run.stopped_by) == ([0.5] * 3, 6, "Own")


def test_a_resumed_run_goes_on_with_what_they_remember(tmp_path):
    class Kills(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 6:
                raise ConnectionError

    def run(*more):
        stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
        made, own = model(), Own()
        own.losses = [0.0] * 9  # never stops
        backup = BackupAndRestore(tmp_path / "backup", verbose=0)
        with warnings.catch_warnings():
            # The two runs have not the same callbacks.
            warnings.filterwarnings("ignore", "the checkpoint is of a run with")
            made.fit(X, Y, callbacks=[Recorded(), stop, own, *more, backup], **ARGUMENTS)
        return stop, own, made.get_weights()

    with pytest.raises(ConnectionError):
        run(Kills())
    stop, own, weights = run()
    assert (stop.stopped_epoch, stop.best, len(own.losses)) == (7, 1.0, 9 + 8)
    best = callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    for mine, other in zip(weights, fitted(best)[1], strict=True):
        np.testing.assert_array_equal(mine, other)


# --- those of other libraries ------------------------------------------------------------------


class Moved(Callback):
    """Notes how far the bars of tqdm's callback are when an epoch ends."""

    def __init__(self, bars):
        self.bars, self.places = bars, []

    def on_epoch_end(self, epoch, logs=None):
        batches = getattr(self.bars, "batch_bar", None)
        self.places.append((self.bars.epoch_bar.n, None if batches is None else batches.n))


@pytest.mark.parametrize(("verbose", "samples"), [(0, None), (1, 40), (2, 40)])
def test_the_bars_of_tqdm_move(verbose, samples, capsys):
    from tqdm.keras import TqdmCallback

    bars = TqdmCallback(verbose=verbose, mininterval=0)
    moved = Moved(bars)
    model().fit(X, Y, callbacks=[bars, moved], batch_size=10, verbose=0, epochs=2)
    assert moved.places == [(1, samples), (2, samples)]
    net = torch.nn.Linear(4, 1)
    bars = TqdmCallback(verbose=verbose, mininterval=0)
    moved = Moved(bars)
    with Run(net, [bars, moved], epochs=2, params={"verbose": 0}) as run:
        for _ in run.epochs():
            for batch in run.batches(torch.tensor(X).split(10)):
                run.log(loss=net(batch).mean())
    assert moved.places == [(1, samples), (2, samples)]
    assert "loss=" in capsys.readouterr().err


class Tracker(keras.callbacks.Callback):
    """Asks what the callbacks of W&B and MLflow ask for."""

    def __init__(self):
        self.rates, self.steps, self.said = [], [], []

    def on_train_begin(self, logs=None):
        assert "name" in self.model.optimizer.get_config()
        self.model.summary(print_fn=lambda line, *more, **named: self.said.append(line))

    def on_batch_end(self, batch, logs=None):
        assert self.model.optimizer.learning_rate.shape == ()
        self.rates.append(self.model.optimizer.learning_rate.numpy().item())
        self.steps.append(int(self.model.optimizer.iterations.numpy()))

    def on_epoch_end(self, epoch, logs=None):
        self.logs = {name: float(value) for name, value in logs.items()}


def test_what_a_tracker_asks_for_is_there_in_fit_and_in_a_loop_of_ones_own():
    tracker = Tracker()
    model().fit(X, Y, callbacks=[tracker], batch_size=20, verbose=0, epochs=2)
    assert (tracker.steps, tracker.rates) == ([1, 2, 3, 4], pytest.approx([0.01] * 4))
    assert tracker.logs.keys() == {"loss", "mae"}
    assert "dense" in "".join(tracker.said)

    tracker, net = Tracker(), torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    with Run(net, tracker, optimizer=optimizer, epochs=2, params={"verbose": 0}) as run:
        for _ in run.epochs():
            for batch in run.batches(torch.tensor(X).split(20)):
                run.log(loss=net(batch).mean())
    assert (tracker.steps, tracker.rates) == ([1, 2, 3, 4], [0.5] * 4)
    assert tracker.logs.keys() == {"loss"}
    assert tracker.said
