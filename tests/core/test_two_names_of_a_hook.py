"""`on_batch_end` and `on_train_batch_end` are one hook: in subclasses, for callers and by hand."""

from types import SimpleNamespace

import pytest

from onfit.callbacks import (
    BackupAndRestore,
    BaseLogger,
    CallbackList,
    LambdaCallback,
    ModelCheckpoint,
    ProgbarLogger,
    TensorBoard,
    TerminateOnNaN,
    TimeLimit,
)
from onfit.core import Callback, Run
from onfit.core.hooks import CLASSIC, heard


class Savable(SimpleNamespace):
    """A model that can be saved, and resumed."""

    def save(self, filepath):
        with open(filepath, "w") as file:
            file.write("model")

    save_weights = load_weights = save

    def state_for_resume(self):
        return {}

    def load_state_for_resume(self, state): ...


def walked(callback, batches=4):
    with Run(Savable(), [callback], epochs=1) as run:
        for _ in run.epochs():
            for _ in run.batches([[1, 2]] * batches):
                run.log(loss=1.0)


BUILT_IN = {
    BackupAndRestore: lambda kind, folder: kind(folder / "backup", verbose=0),
    BaseLogger: lambda kind, folder: kind(),
    ModelCheckpoint: lambda kind, folder: kind(folder / "a.h5"),
    ProgbarLogger: lambda kind, folder: kind("steps"),
    TensorBoard: lambda kind, folder: kind(folder / "logs", write_graph=False),
    TerminateOnNaN: lambda kind, folder: kind(),
    TimeLimit: lambda kind, folder: kind("1 hour"),
}


@pytest.mark.parametrize("name", ["on_batch_end", "on_train_batch_end"])
@pytest.mark.parametrize("kind", BUILT_IN)
def test_a_subclass_of_a_built_in_callback_is_called_by_either_name(kind, name, tmp_path):
    seen = []

    def hook(self, batch, logs=None):
        seen.append(batch)
        getattr(super(mine, self), name)(batch, logs)

    mine = type("Mine", (kind,), {name: hook})
    walked(BUILT_IN[kind](mine, tmp_path))
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", [BackupAndRestore, ModelCheckpoint, TensorBoard])
def test_a_built_in_callback_with_nothing_to_do_at_batches_is_not_called_there(kind, tmp_path):
    assert not BUILT_IN[kind](kind, tmp_path).hears("on_train_batch_end")


def test_super_reaches_the_built_in_work_once_by_either_name():
    class Mine(BaseLogger):
        def on_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)

    logger, logs = Mine(), {}
    logger.on_train_batch_end(0, {"size": 2, "loss": 3.0})
    logger.on_batch_end(1, {"size": 1, "loss": 1.0})
    logger.on_epoch_end(0, logs)
    assert logs["loss"] == pytest.approx(7 / 3)


@pytest.mark.parametrize(("newer", "older"), CLASSIC.items())
def test_the_more_derived_method_counts_whatever_its_name(newer, older):
    parent = type("Parent", (Callback,), {newer: lambda self, *args: "parent"})
    child = type("Child", (parent,), {older: lambda self, *args: "child"})
    grandchild = type("Grandchild", (child,), {newer: lambda self, *args: "grandchild"})
    assert heard(child(), newer)(0) == getattr(child(), older)(0) == "child"
    assert getattr(child(), newer)(0) == "child"
    assert heard(grandchild(), newer)(0) == getattr(grandchild(), older)(0) == "grandchild"


def test_a_mixin_that_is_no_callback_is_heard_by_the_older_name():
    class Mixin:
        def on_batch_end(self, batch, logs=None):
            return "mixin"

    class Mine(Mixin, TerminateOnNaN): ...

    assert heard(Mine(), "on_train_batch_end")(0) == "mixin"
    assert Mine().on_train_batch_end(0) == "mixin"


def test_a_function_put_on_the_instance_is_the_most_derived():
    callback = TerminateOnNaN()
    callback.on_batch_end = lambda batch, logs=None: "mine"
    assert heard(callback, "on_train_batch_end")(0) == "mine"


def test_a_lambda_callback_can_be_called_by_either_name():
    seen = []
    callback = LambdaCallback(on_batch_end=lambda batch, logs: seen.append(batch))
    callback.on_train_batch_end(0, {})
    callback.on_batch_end(1, {})
    assert seen == [0, 1]


def test_super_of_a_plain_callback_ends_at_once():
    seen = []

    class Mine(Callback):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            seen.append(batch)

    class Older(Callback):
        def on_batch_end(self, batch, logs=None):
            super().on_batch_end(batch, logs)
            seen.append(batch)

    CallbackList([Mine(), Older()]).on_train_batch_end(0, {})
    assert seen == [0, 0]


@pytest.mark.parametrize("name", ["on_batch_end", "on_train_batch_end"])
def test_a_list_of_callbacks_is_called_by_either_name(name):
    seen = []
    callbacks = CallbackList(LambdaCallback(on_batch_end=lambda *args: seen.append(args)))
    getattr(callbacks, name)(3, {"loss": 1.0})
    assert seen == [(3, {"loss": 1.0})]


def test_a_method_that_passes_on_to_the_older_name_leads_there_as_in_keras():
    class Passes(Callback):
        newer = older = 0

        def on_train_batch_end(self, batch, logs=None):
            self.newer += 1
            self.on_batch_end(batch, logs)

    class Child(Passes):
        def on_batch_end(self, batch, logs=None):
            self.older += 1

    class Both(Passes):
        def on_batch_end(self, batch, logs=None): ...

    class Grandchild(Both):
        def on_batch_end(self, batch, logs=None):
            self.older += 1

    for kind, older in ((Passes, 0), (Child, 2), (Grandchild, 2)):
        callback = kind()
        walked(callback, batches=2)
        assert (callback.newer, callback.older) == (2, older)


@pytest.mark.parametrize("name", ["on_batch_end", "on_train_batch_end"])
def test_a_method_that_is_put_in_the_place_of_another_counts(name):
    class Mine(Callback): ...

    seen = []
    written = type("Written", (Callback,), {name: lambda self, *args: seen.append("first")})
    setattr(written, name, lambda self, *args: seen.append("second"))
    walked(written(), batches=1)
    setattr(Mine, name, lambda self, *args: seen.append("third"))
    walked(Mine(), batches=1)
    assert seen == ["second", "third"]
