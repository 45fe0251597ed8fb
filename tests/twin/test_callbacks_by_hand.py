"""Every callback, driven without a run: it acts as in `fit`, and as Keras' callback does.

A loop may call the hooks under either name, with `on_train_begin` or without, on the callback or on
a list, with a model of onfit or a torch module that carries its optimizer.
"""

import itertools
import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import requests
import torch
from tests.twin.stub import Stub

from onfit import Sequential, callbacks, layers, optimizers
from onfit.callbacks import Callback, CallbackList, LambdaCallback
from onfit.errors import NotReadyError

EPOCHS = [
    {"loss": loss, "val_loss": val_loss, "val_acc": 1 - val_loss / 4}
    for loss, val_loss in [
        (4.0, 2.0),
        (3.0, 1.0),
        (2.0, 1.5),
        (1.0, 1.25),
        (0.5, 0.5),
        (0.25, 0.75),
    ]
]
BATCHES, SIZE = 3, 4


@dataclass(frozen=True)
class Way:
    """How a loop drives a callback."""

    begins: bool = True
    listed: bool = False
    older: bool = False
    torch: bool = False

    def __str__(self) -> str:
        words = ("begins", self.begins), ("listed", self.listed), ("older", self.older)
        return "-".join(word for word, is_so in (*words, ("torch", self.torch)) if is_so) or "bare"


WAYS = [Way(*choices) for choices in itertools.product([True, False], repeat=4)]


class Trained:
    """A model that a loop trains: the number in its one weight is the epoch."""

    def __init__(self, in_torch: bool) -> None:
        self.held: Any
        if in_torch:
            self.held = torch.nn.Linear(1, 1, bias=False)
            self.held.optimizer = torch.optim.SGD(self.held.parameters(), lr=1.0)
        else:
            self.held = Sequential([layers.Dense(1, input_shape=(1,), use_bias=False)])
            self.held.compile(optimizers.SGD(1.0), "mse")

    def learn(self, number: float) -> None:
        with torch.no_grad():
            next(self.held.parameters()).fill_(number)

    @property
    def weight(self) -> float:
        return next(self.held.parameters()).item()

    @property
    def rate(self) -> float:
        if isinstance(self.held.optimizer, torch.optim.Optimizer):
            return float(self.held.optimizer.param_groups[0]["lr"])
        return float(self.held.optimizer.learning_rate)

    @property
    def stops(self) -> bool:
        return bool(getattr(self.held, "stop_training", False))


class OfKeras:
    """The same for a callback of Keras."""

    def __init__(self) -> None:
        self.held = Stub()

    def learn(self, number: float) -> None:
        self.held.weight = int(number)

    @property
    def weight(self) -> float:
        return self.held.weight

    @property
    def rate(self) -> float:
        return float(self.held.optimizer.learning_rate)

    @property
    def stops(self) -> bool:
        return self.held.stop_training


def drive(hooks: Any, trained: Any, way: Way) -> list[Any]:
    """Walk through the epochs; the rate and the wish to stop after each, and the last weight."""
    begin, end = (
        ("on_batch_begin", "on_batch_end")
        if way.older
        else (
            "on_train_batch_begin",
            "on_train_batch_end",
        )
    )
    seen: list[Any] = []
    if way.begins:
        hooks.on_train_begin()
    for epoch, logs in enumerate(EPOCHS):
        hooks.on_epoch_begin(epoch, {})
        for batch in range(BATCHES):
            # What Keras' fit leaves out of the logs of a batch.
            more = {} if isinstance(trained, OfKeras) else {"batch": batch, "size": SIZE}
            getattr(hooks, begin)(batch, dict(more))
            trained.learn(epoch)
            loss = math.nan if (epoch, batch) == (4, 1) else logs["loss"]
            getattr(hooks, end)(batch, {**more, "loss": loss})
        seen.append(trained.rate)
        hooks.on_epoch_end(epoch, dict(logs))
        seen.append((trained.rate, trained.stops))
        if trained.stops:
            break
    hooks.on_train_end({})
    return [*seen, trained.weight]


def by_hand(callback: Callback, way: Way) -> list[Any]:
    trained = Trained(way.torch)
    if way.listed:
        return drive(CallbackList([callback], model=trained.held), trained, way)
    callback.set_model(trained.held)
    return drive(callback, trained, way)


def in_fit(callback: Callback) -> list[Any]:
    """The same numbers in `fit`."""
    trained, seen = Trained(in_torch=False), []

    def batch_ends(batch: int, logs: dict[str, Any]) -> None:
        trained.learn(epochs[-1])
        nan = (epochs[-1], batch) == (4, 1)
        logs.update(loss=math.nan if nan else EPOCHS[epochs[-1]]["loss"])

    epochs: list[int] = []
    before = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: epochs.append(epoch),
        on_batch_end=batch_ends,
        on_epoch_end=lambda epoch, logs: (seen.append(trained.rate), logs.update(EPOCHS[epoch])),
    )
    after = LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((trained.rate, trained.stops))
    )
    x = np.zeros((BATCHES * SIZE, 1), "float32")
    trained.held.fit(
        x, x, SIZE, len(EPOCHS), verbose=0, callbacks=[before, callback, after], shuffle=False
    )
    return [*seen, trained.weight]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(tmp_path)
    yield
    os.chdir(before)


posted: list[Any] = []


@pytest.fixture(autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is posted is written down."""

    def post(url: str, json: Any = None, **more: Any) -> Any:
        posted.append(json)
        return SimpleNamespace(status_code=200, reason="OK")

    posted.clear()
    monkeypatch.setattr(requests, "post", post)


# --- what Keras has too ----------------------------------------------------------------------

PLATEAU = {"factor": 0.5, "patience": 1, "min_delta": 0, "verbose": 1}
BOTH: dict[str, tuple[str, dict[str, Any]]] = {
    "EarlyStopping": ("EarlyStopping", {"patience": 2}),
    "EarlyStopping that restores": (
        "EarlyStopping",
        {"patience": 2, "restore_best_weights": True, "start_from_epoch": 1},
    ),
    "EarlyStopping to the end": ("EarlyStopping", {"patience": 9, "restore_best_weights": True}),
    "EarlyStopping of a rising quantity": (
        "EarlyStopping",
        {"monitor": "val_acc", "mode": "max", "patience": 1},
    ),
    "ReduceLROnPlateau": ("ReduceLROnPlateau", PLATEAU),
    "ReduceLROnPlateau with a cooldown": (
        "ReduceLROnPlateau",
        {**PLATEAU, "cooldown": 2, "min_lr": 0.3},
    ),
    "LearningRateScheduler": (
        "LearningRateScheduler",
        {"schedule": lambda epoch, rate: rate * 0.5 if epoch % 2 else rate},
    ),
    "LearningRateScheduler of the epoch": (
        "LearningRateScheduler",
        {"schedule": lambda epoch: 1.0 / (epoch + 1)},
    ),
    "CSVLogger": ("CSVLogger", {"filename": "log.csv"}),
    "RemoteMonitor": ("RemoteMonitor", {"send_as_json": True}),
}


def left(callback: Any) -> list[Any]:
    """What a callback leaves behind: its attributes, the file, what it posted."""
    names = ("best", "wait", "stopped_epoch", "cooldown_counter")
    kept = [getattr(callback, name, None) for name in names]
    file = Path("log.csv").read_bytes() if os.path.exists("log.csv") else None
    return [*kept, file, list(posted)]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("name", BOTH)
def test_a_callback_driven_by_hand_acts_as_keras_does(name: str, way: Way) -> None:
    kind, arguments = BOTH[name]
    theirs = getattr(keras.callbacks, kind)(**arguments)
    stub = OfKeras()
    theirs.set_model(stub.held)
    expected = drive(theirs, stub, Way()), left(theirs)
    posted.clear()
    Path("log.csv").unlink(missing_ok=True)
    ours = getattr(callbacks, kind)(**arguments)
    assert (by_hand(ours, way), left(ours)) == expected


@pytest.mark.parametrize("name", [name for name in BOTH if BOTH[name][0] != "CSVLogger"])
def test_by_hand_a_callback_acts_as_in_fit(name: str) -> None:
    kind, arguments = BOTH[name]
    fitted = getattr(callbacks, kind)(**arguments)
    expected = in_fit(fitted)
    posted.clear()
    driven = getattr(callbacks, kind)(**arguments)
    assert by_hand(driven, Way(begins=False)) == expected
    assert left(driven)[:4] == left(fitted)[:4]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize(
    "arguments",
    [
        {"filepath": "best.weights.h5", "save_best_only": True},
        {"filepath": "{epoch:02d}-{val_loss:.2f}.weights.h5"},
        {
            "filepath": "{epoch}.weights.h5",
            "save_best_only": True,
            "monitor": "val_acc",
            "mode": "max",
        },
        {"filepath": "{epoch}.weights.h5", "save_best_only": True, "initial_value_threshold": 1.2},
        {"filepath": "{epoch}-{batch}.weights.h5", "save_freq": 2},
        {"filepath": "sub/{epoch}-{batch}.weights.h5", "save_freq": 5},
    ],
    ids=str,
)
def test_checkpoints_by_hand_are_those_of_keras(arguments: dict[str, Any], way: Way) -> None:
    arguments = {"save_weights_only": True, **arguments}
    theirs = keras.callbacks.ModelCheckpoint(**arguments)
    stub = OfKeras()
    theirs.set_model(stub.held)
    drive(theirs, stub, Way())
    expected = {name: weight for _, weight, name in stub.held.saved}

    if "save_freq" in arguments:
        arguments["save_freq"] = f"{arguments['save_freq']} batches"
    ours = callbacks.ModelCheckpoint(**arguments)
    by_hand(ours, way)
    assert ours.best == pytest.approx(theirs.best)
    assert weights_in(Path(), ours.model) == expected


def weights_in(folder: Path, model: Any) -> dict[str, float]:
    """The number in each file of weights."""
    found = {}
    for path in folder.rglob("*.h5"):
        model.load_weights(path)
        found[str(path)] = next(model.parameters()).item()
    return found


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_nan_by_hand_stops_where_keras_stops(way: Way) -> None:
    stub, theirs = OfKeras(), keras.callbacks.TerminateOnNaN()
    theirs.set_model(stub.held)
    assert by_hand(callbacks.TerminateOnNaN(), way) == drive(theirs, stub, Way())


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_history_by_hand_is_that_of_keras(way: Way) -> None:
    stub, theirs = OfKeras(), keras.callbacks.History()
    theirs.set_model(stub.held)
    drive(theirs, stub, Way())
    ours = callbacks.History()
    by_hand(ours, way)
    assert ours.history == theirs.history
    assert ours.epoch == theirs.epoch


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_functions_by_hand_are_called_as_in_keras(way: Way) -> None:
    calls: list[list[Any]] = [[], []]
    names = ["on_epoch_begin", "on_epoch_end", "on_train_batch_end", "on_train_end"]
    for kind, called in zip((keras.callbacks, callbacks), calls, strict=True):
        functions = {
            name: lambda *args, name=name, called=called: called.append((name, args[:-1]))
            for name in names
        }
        callback = kind.LambdaCallback(**functions)
        if kind is callbacks:
            by_hand(callback, way)
        else:
            stub = OfKeras()
            callback.set_model(stub.held)
            drive(callback, stub, Way())
    assert calls[1] == calls[0]


# --- what only onfit has ---------------------------------------------------------------------


def curves(folder: str) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(folder).Reload()
    return {
        tag: [(point.step, point.value) for point in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def curves_of(callback: Any) -> Any:
    return curves("logs/train"), curves("logs/validation")


def means(callback: Any) -> Any:
    logs: dict[str, Any] = {}
    callback.on_epoch_end(0, logs)
    return logs


def ticking() -> Callable[[], float]:
    return map(float, itertools.count()).__next__


OURS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "BaseLogger": (callbacks.BaseLogger, means),
    "TimeLimit": (lambda: callbacks.TimeLimit(6, clock=ticking()), lambda callback: None),
    "TensorBoard": (lambda: callbacks.TensorBoard("logs", update_freq="batch"), curves_of),
    "ModelCheckpoint of samples": (
        lambda: callbacks.ModelCheckpoint(
            "{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=44
        ),
        lambda callback: sorted(os.listdir()),
    ),
    "ModelCheckpoint that keeps two": (
        lambda: callbacks.ModelCheckpoint(
            "{epoch}.weights.h5", save_weights_only=True, keep=2, save_last=True, period=1
        ),
        lambda callback: (sorted(os.listdir()), weights_in(Path(), callback.model)),
    ),
    "ModelCheckpoint in the background": (
        lambda: callbacks.ModelCheckpoint(
            "a.weights.h5", save_weights_only=True, save_best_only=True, background=True
        ),
        lambda callback: weights_in(Path(), callback.model),
    ),
}


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("name", OURS)
def test_a_callback_acts_alike_in_every_way(
    name: str, way: Way, tmp_path_factory: pytest.TempPathFactory
) -> None:
    make, look = OURS[name]
    seen = []
    for each in (Way(), way):
        os.chdir(tmp_path_factory.mktemp("way"))
        callback = make()
        if isinstance(callback, callbacks.TensorBoard) and each.torch:
            callback.write_graph = False  # a torch module is traced, which needs an input
        seen.append((by_hand(callback, each), look(callback)))
    assert json.dumps(seen[1]) == json.dumps(seen[0])


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_bar_by_hand_shows_every_epoch(way: Way, capsys: pytest.CaptureFixture[str]) -> None:
    bar = callbacks.ProgbarLogger("steps")
    bar.set_params({"epochs": 6, "steps": BATCHES, "verbose": 1})
    if way.listed:
        trained = Trained(way.torch)
        hooks = CallbackList([bar], model=trained.held, epochs=6, steps=BATCHES, verbose=1)
        drive(hooks, trained, way)
    else:
        by_hand(bar, way)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0::2] == [f"Epoch {epoch}/6" for epoch in range(1, 7)]
    assert all(line.startswith("3/3 [===") for line in lines[1::2])
    assert lines[-1].endswith("loss: 0.2500 - val_loss: 0.7500 - val_acc: 0.8125")


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_backup_by_hand_says_that_it_needs_a_run(way: Way) -> None:
    with pytest.raises(NotReadyError, match=r"with Run\(model, callbacks"):
        by_hand(callbacks.BackupAndRestore("backup"), way)
    assert not os.path.exists("backup")


def test_every_callback_is_driven_by_hand() -> None:
    tested = {kind for kind, _ in BOTH.values()} | {name.partition(" ")[0] for name in OURS}
    tested |= {"TerminateOnNaN", "History", "LambdaCallback", "ProgbarLogger", "BackupAndRestore"}
    tested |= {"SwapEMAWeights"}  # in tests/callbacks/test_swap_ema_weights.py
    # Keras has neither. See test_rates_of_batches.py and test_learning_rate_finder.py.
    tested |= {"OneCycle", "LearningRateFinder"}
    assert tested == set(callbacks.__all__) - {"Callback", "CallbackList"}
