"""What onfit and Keras do differently on purpose: both shown, for each exclusion of a callback."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.twin.exclusions import excluded
from tests.twin.keras_twin import tolerant_of_keras
from tests.twin.stub import Logs, Stub, run_at, walk

import onfit
from onfit import callbacks
from onfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    FileFormatError,
    OnfitWarning,
)

pytestmark = tolerant_of_keras

KINDS = (keras.callbacks, callbacks)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(tmp_path)
    yield
    os.chdir(before)


def both(name: str, observe: Any, epochs: list[Logs], **arguments: Any) -> list[list[Any]]:
    """What `observe` sees after each epoch, of Keras' callback and of ours."""
    return [
        [seen for seen, _ in walk(getattr(kind, name)(**arguments), Stub(), epochs, observe)][:-1]
        for kind in KINDS
    ]


def losses(*values: float) -> list[Logs]:
    return [{"val_loss": value} for value in values]


# --- what all that monitor share -------------------------------------------------------------


@excluded("NaN is never the best")
def test_nan_is_never_the_best() -> None:
    epochs = losses(math.nan, 1.0, 0.5)

    stopped = both("EarlyStopping", lambda c, s: s.stop_training, epochs, patience=1)
    assert stopped == [[False, True], [False, False, False]]

    at_once = both("EarlyStopping", lambda c, s: s.stop_training, epochs)
    assert at_once == [[False, True], [False, False, False]]

    rates = both(
        "ReduceLROnPlateau",
        lambda c, s: s.optimizer.learning_rate,
        epochs,
        patience=1,
        factor=0.5,
    )
    assert rates == [[1.0, 0.5, 0.25], [0.5, 0.5, 0.5]]

    saved = both(
        "ModelCheckpoint", lambda c, s: len(s.saved), epochs, filepath="x.h5", save_best_only=True
    )
    assert saved == [[1, 1, 1], [0, 1, 2]]


@excluded("a direction told by the name")
def test_a_name_tells_the_direction() -> None:
    epochs = [{"val_acc": value} for value in (0.5, 0.75, 0.25)]
    ours = callbacks.EarlyStopping("val_acc", patience=1)
    stopped = walk(ours, Stub(), epochs, lambda c, s: s.stop_training)
    assert [stop for stop, _ in stopped] == [False, False, True, True]
    with pytest.raises(ValueError, match="isn't able to automatically determine"):
        walk(keras.callbacks.EarlyStopping("val_acc"), Stub(), epochs, lambda c, s: None)


@excluded("an unknown direction is an error before training")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("EarlyStopping", {}),
        ("ReduceLROnPlateau", {}),
        ("ModelCheckpoint", {"filepath": "x.h5", "save_best_only": True}),
    ],
)
def test_an_unknown_direction_is_an_error_before_training(name: str, arguments: Logs) -> None:
    theirs, ours = (getattr(kind, name)(monitor="pearson", **arguments) for kind in KINDS)
    for callback in (theirs, ours):
        callback.set_model(Stub())
    with pytest.raises(ArgumentError, match=f"{name}.*'pearson'.*Pass mode='max' or mode='min'"):
        ours.on_train_begin({})
    theirs.on_train_begin({})
    theirs.on_epoch_begin(0, {})
    with pytest.raises(ValueError, match="isn't able to automatically determine"):
        theirs.on_epoch_end(0, {"pearson": 0.5})


@excluded("an unknown mode is an error")
def test_an_unknown_mode_is_an_error() -> None:
    with pytest.warns(UserWarning, match="mode 'maximum' is unknown, fallback to auto"):
        keras.callbacks.EarlyStopping(mode="maximum")
    with pytest.raises(ArgumentError, match=r"mode='maximum'.*one of 'auto', 'min', 'max'"):
        callbacks.EarlyStopping(mode="maximum")


@excluded("a missing monitor is said once")
@pytest.mark.parametrize("name", ["EarlyStopping", "ReduceLROnPlateau"])
def test_a_missing_monitor_is_said_once(name: str) -> None:
    said = []
    for kind in KINDS:
        with pytest.warns(UserWarning, match="val_loss") as warned:
            walk(getattr(kind, name)(), Stub(), [{"loss": 0.5}] * 3, lambda c, s: None)
        said.append([warning.category for warning in warned])
    assert said == [[UserWarning] * 3, [OnfitWarning]]


@excluded("an alias finds the quantity")
def test_an_alias_finds_the_quantity() -> None:
    ours = callbacks.EarlyStopping("val_acc", mode="max")
    epochs = [{"val_accuracy": 0.5}]
    (seen, *_) = walk(ours, Stub(), epochs, lambda c, s: c.best)
    assert seen[0] == 0.5
    theirs = keras.callbacks.EarlyStopping("val_acc", mode="max")
    with pytest.warns(UserWarning, match="`val_acc` which is not available"):
        (seen, *_) = walk(theirs, Stub(), epochs, lambda c, s: c.best)
    assert seen[0] is None


@excluded("best_epoch is None before the first")
def test_best_epoch_is_none_before_the_first() -> None:
    seen = both("EarlyStopping", lambda c, s: c.best_epoch, losses(0.5), start_from_epoch=2)
    assert seen == [[0], [None]]


# --- LambdaCallback, TerminateOnNaN, RemoteMonitor, LearningRateScheduler ----------------------


@excluded("a name that is no hook is an error")
def test_a_name_that_is_no_hook_is_an_error() -> None:
    theirs = keras.callbacks.LambdaCallback(on_epoch_ende=print)
    assert theirs.on_epoch_ende is print
    with pytest.raises(ArgumentError, match="Did you mean 'on_epoch_end'"):
        callbacks.LambdaCallback(on_epoch_ende=print)


@excluded("on_train_end is called after an error")
@pytest.mark.parametrize(
    ("lib", "sequential", "ends"),
    [(keras, keras.Sequential, []), (onfit, onfit.Sequential, ["end"])],
)
def test_on_train_end_is_called_after_an_error(lib: Any, sequential: Any, ends: list[str]) -> None:
    ended: list[str] = []
    model = sequential([lib.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 1), "float32"), np.full((4, 1), np.inf, "float32")
    watching = [
        lib.callbacks.TerminateOnNaN(raise_error=True),
        lib.callbacks.LambdaCallback(on_train_end=lambda logs: ended.append("end")),
    ]
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered"):
        model.fit(x, y, verbose=0, callbacks=watching)
    assert ended == ends


@excluded("a server has a bounded time")
@pytest.mark.parametrize("kind", KINDS)
def test_a_server_has_a_bounded_time(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    answer = SimpleNamespace(status_code=200, ok=True, close=lambda: None)
    monkeypatch.setattr(
        "requests.post", lambda url, **more: [asked.append({"url": url, **more}), answer][1]
    )
    monitor = kind.RemoteMonitor(send_as_json=True)
    monitor.set_model(Stub())
    monitor.on_epoch_end(0, {"loss": np.float32(0.5), "one": np.ones(1)})
    monitor.on_train_end({})
    (post,) = asked
    of_keras = {"url", "json", "headers"}
    assert post["json"] == {"epoch": 0, "loss": 0.5, "one": 1.0}
    assert post["url"] == "http://localhost:9000/publish/epoch/end/"
    more = {"timeout", "allow_redirects", "stream", "hooks"} if kind is callbacks else set()
    assert set(post) == of_keras | more


@excluded("a rate is in double precision")
def test_a_rate_is_in_double_precision() -> None:
    theirs, ours = keras.optimizers.SGD(0.1), onfit.optimizers.SGD(0.1)
    for optimizer in (theirs, ours):
        optimizer.learning_rate = float(optimizer.learning_rate) * 0.1
    assert float(theirs.learning_rate) == float(np.float32(0.01))
    assert float(ours.learning_rate) == 0.1 * 0.1


# --- ReduceLROnPlateau -----------------------------------------------------------------------


@excluded("a reduction that changes nothing is not told")
def test_a_reduction_that_changes_nothing_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for kind in KINDS:
        callback = kind.ReduceLROnPlateau(min_lr=-1.0, patience=1, verbose=1)
        walk(callback, Stub(rate=0.0), losses(1.0, 1.0), lambda c, s: None)
        said.append(capsys.readouterr().out.strip())
    assert said == ["Epoch 2: ReduceLROnPlateau reducing learning rate to 0.0.", ""]


@excluded("an unknown argument is an error")
def test_an_unknown_argument_is_an_error() -> None:
    keras.callbacks.ReduceLROnPlateau(patiense=3, epsilon=0.5)
    with pytest.raises(ArgumentTypeError, match=r"patiense.*Did you mean 'patience'\?"):
        callbacks.ReduceLROnPlateau(patiense=3)
    with pytest.warns(OnfitWarning, match="older name of min_delta"):
        assert callbacks.ReduceLROnPlateau(epsilon=0.5).min_delta == 0.5


@excluded("empty logs are written into")
@pytest.mark.parametrize("name", ["ReduceLROnPlateau", "LearningRateScheduler"])
@pytest.mark.filterwarnings("ignore:.*which is not:UserWarning")
def test_empty_logs_are_written_into(name: str) -> None:
    written = []
    for kind in KINDS:
        callback = (
            kind.LearningRateScheduler(lambda epoch: 0.5)
            if name == "LearningRateScheduler"
            else kind.ReduceLROnPlateau()
        )
        ((_, rate), *_) = walk(callback, Stub(rate=0.5), [{}], lambda c, s: None)
        written.append(rate)
    assert written == [None, 0.5]


# --- ModelCheckpoint -------------------------------------------------------------------------


@excluded("a missing monitor never saves")
def test_a_missing_monitor_never_saves() -> None:
    saved = []
    for kind in KINDS:
        callback = kind.ModelCheckpoint("best.h5", save_best_only=True)
        with pytest.warns(UserWarning, match="val_loss"):
            seen = walk(callback, Stub(), [{"loss": 0.5}] * 3, lambda c, s: len(s.saved))
        saved.append([count for count, _ in seen][:-1])
    assert saved == [[1, 2, 3], [0, 0, 0]]


def walk_batches(callback: Any, batches: int, monitor: str = "loss") -> list[int]:
    """Batches of 10 samples; those after whose end something was saved."""
    stub, saved = Stub(), []
    callback.set_model(stub)
    callback.on_train_begin({})
    callback.on_epoch_begin(0, {})
    for batch in range(batches):
        callback._session = run_at(0, batch + 1, step=batch + 1)
        before = len(stub.saved)
        callback.on_train_batch_end(batch, {"batch": batch, "size": 10, monitor: batch / 4})
        if len(stub.saved) > before:
            saved.append(batch)
    callback.on_train_end({})
    return saved


@excluded("save_freq counts samples")
def test_a_whole_number_of_save_freq_counts_samples() -> None:
    theirs, ours = (kind.ModelCheckpoint("x.h5", save_freq=4) for kind in KINDS)
    assert walk_batches(theirs, 8) == [3, 7]
    with pytest.warns(OnfitWarning, match="For batches say save_freq='4 batches'"):
        assert walk_batches(ours, 3) == [0, 1, 2]
    assert walk_batches(callbacks.ModelCheckpoint("x.h5", save_freq=200), 40) == [19, 39]


@excluded("the best of batches")
def test_the_best_of_batches_is_compared() -> None:
    arguments = {"save_best_only": True, "monitor": "loss"}
    theirs = keras.callbacks.ModelCheckpoint("x.h5", save_freq=1, **arguments)
    with pytest.raises(TypeError, match="'NoneType' object is not callable"):
        walk_batches(theirs, 2)
    ours = callbacks.ModelCheckpoint("x.h5", save_freq="batch", mode="max", **arguments)
    assert walk_batches(ours, 3) == [0, 1, 2]
    ours = callbacks.ModelCheckpoint("x.h5", save_freq="batch", mode="min", **arguments)
    assert walk_batches(ours, 3) == [0]


@excluded("a count of batches starts with the fit")
def test_a_count_of_batches_starts_with_the_fit() -> None:
    theirs = keras.callbacks.ModelCheckpoint("x.h5", save_freq=4)
    ours = callbacks.ModelCheckpoint("x.h5", save_freq="4 batches")
    assert [walk_batches(callback, 3) for callback in (theirs, ours)] == [[], []]
    assert [walk_batches(callback, 4) for callback in (theirs, ours)] == [[0], [3]]


@excluded("any name of a file")
def test_the_name_of_a_file_may_end_as_it_likes() -> None:
    with pytest.raises(ValueError, match="must end in"):
        keras.callbacks.ModelCheckpoint("weights.{epoch}.hdf5")
    (seen, *_) = walk(
        callbacks.ModelCheckpoint("weights.{epoch}.hdf5"), Stub(), losses(0.5), lambda c, s: s.saved
    )
    assert seen[0] == [("model", 0, "weights.1.hdf5")]


# --- LearningRateScheduler -------------------------------------------------------------------


def set_by(kind: Any, schedule: Any) -> Any:
    callback, stub = kind.LearningRateScheduler(schedule), Stub()
    callback.set_model(stub)
    callback.on_epoch_begin(0, {})
    return stub.optimizer.learning_rate


@excluded("any one number is a rate")
@pytest.mark.parametrize(
    "value",
    [1, np.int64(1), np.float16(1), np.array(1.0), np.array([1.0]), torch.tensor(1.0)],
    ids=lambda value: f"{type(value).__name__} of {getattr(value, 'ndim', 'no')} axes",
)
def test_any_one_number_is_a_rate(value: Any) -> None:
    with pytest.raises(ValueError, match="should be a float"):
        set_by(keras.callbacks, lambda epoch: value)
    rate = set_by(callbacks, lambda epoch: value)
    assert rate == 1.0
    assert type(rate) is float


@excluded("a rate is finite and not negative")
@pytest.mark.parametrize("value", [math.nan, math.inf, -0.5])
def test_a_rate_is_finite_and_not_negative(value: float) -> None:
    assert repr(set_by(keras.callbacks, lambda epoch: value)) == repr(value)
    with pytest.raises(ArgumentError, match="finite and not negative"):
        set_by(callbacks, lambda epoch: value)


@excluded("a TypeError in a schedule is its own")
def test_a_type_error_in_a_schedule_is_its_own() -> None:
    def schedule(epoch: int, rate: float) -> Any:
        return "0.5" * rate  # type: ignore[operator]

    with pytest.raises(TypeError, match="missing 1 required positional argument: 'rate'"):
        set_by(keras.callbacks, schedule)
    with pytest.raises(TypeError, match="can't multiply sequence"):
        set_by(callbacks, schedule)


# --- CSVLogger -------------------------------------------------------------------------------


def written(epochs: list[Logs], kind: Any, **arguments: Any) -> list[str]:
    path = Path(f"{kind.__name__}.csv")
    walk(kind.CSVLogger(path, **arguments), Stub(), epochs, lambda c, s: None)
    return path.read_text().splitlines()


@excluded("no val_ columns without validation")
def test_a_run_without_validation_has_no_val_columns() -> None:
    lines = [written([{"loss": 0.5, "learning_rate": 1.0}], kind) for kind in KINDS]
    assert lines == [
        ["epoch,learning_rate,loss,val_learning_rate,val_loss", "0,1.0,0.5,NA,NA"],
        ["epoch,learning_rate,loss", "0,1.0,0.5"],
    ]


@excluded("a later name gets a column")
def test_a_later_name_gets_a_column() -> None:
    epochs = [{"val_loss": 0.5}, {"val_loss": 0.25, "acc": 1.0}]
    lines = [written(epochs, kind) for kind in KINDS]
    assert lines == [
        ["epoch,val_loss", "0,0.5", "1,0.25"],
        ["epoch,acc,val_loss", "0,NA,0.5", "1,1.0,0.25"],
    ]


@excluded("appending to other columns is an error")
def test_appending_to_other_columns_is_an_error() -> None:
    for kind in KINDS:
        written([{"val_loss": 0.5}], kind)
    other = [{"val_acc": 0.75, "val_mse": 0.25}]
    assert written(other, keras.callbacks, append=True) == [
        "epoch,val_loss",
        "0,0.5",
        "0,0.75,0.25",
    ]
    with pytest.raises(FileFormatError, match=r"'val_loss'.*this run has.*'val_acc'"):
        written(other, callbacks, append=True)
    assert Path("onfit.callbacks.csv").read_text().splitlines() == ["epoch,val_loss", "0,0.5"]


@excluded("nothing is written before the first epoch")
def test_nothing_is_written_before_the_first_epoch() -> None:
    left = []
    for kind in KINDS:
        path = Path(f"{kind.__name__}.csv")
        path.write_text("results of last week\n")
        callback = kind.CSVLogger(path)
        callback.on_train_begin({})
        callback.on_train_end({})
        left.append(path.read_text())
    assert left == ["", "results of last week\n"]


@excluded("a training that goes on keeps its lines")
def test_a_training_that_goes_on_keeps_its_lines() -> None:
    left = []
    for kind in KINDS:
        path = Path(f"{kind.__name__}.csv")
        callback = kind.CSVLogger(path)
        walk(callback, Stub(), losses(0.5, 0.25), lambda c, s: None)
        walk(callback, Stub(), losses(0.125), lambda c, s: None, first=2)
        walk(callback, Stub(), losses(1.0), lambda c, s: None)
        left.append([len(file.read_text().splitlines()) for file in sorted(Path().glob("*.csv"))])
        for file in Path().glob("*.csv"):
            file.unlink()
    assert left == [[2], [4, 2]]


# --- History ---------------------------------------------------------------------------------


@excluded("a used History starts anew")
def test_a_used_history_starts_anew() -> None:
    lengths = []
    for kind in KINDS:
        history = kind.History()
        for _ in range(2):
            walk(history, Stub(), losses(0.5, 0.25), lambda c, s: None)
        lengths.append((len(history.epoch), len(history.history["val_loss"])))
    assert lengths == [(2, 4), (2, 2)]


@excluded("a baseline that is not beaten stops the training")
def test_a_baseline_that_is_not_beaten_stops_the_training() -> None:
    epochs = [{"val_acc": value} for value in (0.55, 0.6, 0.65, 0.7)]
    arguments = {"monitor": "val_acc", "mode": "max", "patience": 2, "baseline": 0.75}
    theirs, ours = both("EarlyStopping", lambda c, s: s.stop_training, epochs, **arguments)
    assert theirs == [False, False, False, False]
    assert ours == [False, True]


@excluded("a rate that can never be lowered is said")
def test_a_rate_that_can_never_be_lowered_is_said(recwarn: pytest.WarningsRecorder) -> None:
    rates = both(
        "ReduceLROnPlateau",
        lambda c, s: s.optimizer.learning_rate,
        losses(1.0, 1.0, 1.0, 1.0),
        patience=1,
        min_lr=1.0,
    )
    assert rates == [[1.0] * 4] * 2
    assert [str(each.message)[:31] for each in recwarn] == ["ReduceLROnPlateau(min_lr=1.0) n"]


@excluded("the seventh place is the period")
def test_the_seventh_place_is_the_period() -> None:
    saved = []
    for kind in KINDS:
        stub = Stub()
        checkpoint = kind.ModelCheckpoint("{epoch}.h5", "val_loss", 0, False, False, "auto", 2)
        walk(checkpoint, stub, losses(1.0, 1.0, 1.0, 1.0), lambda callback, stub: None)
        saved.append([name for _, _, name in stub.saved])
    assert saved == [[], ["2.h5", "4.h5"]]  # two batches in Keras: none ended here
