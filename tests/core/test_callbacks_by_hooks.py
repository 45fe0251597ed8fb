"""Objects with Keras' hooks that are no callbacks of onfit's."""

from types import SimpleNamespace

import pytest

from onfit import Run
from onfit.callbacks import CallbackList
from onfit.core.hooks import HOOKS
from onfit.core.listeners import Listeners
from onfit.core.state import memories, remember
from onfit.errors import ArgumentTypeError, CapabilityError, OnfitWarning


class Theirs:
    """As the callbacks of a tracking library: it has Keras' hooks, and no base class of ours."""

    def __init__(self):
        self.model = self.params = None
        self.seen = []

    def set_model(self, model):
        self.model = model

    def set_params(self, params):
        self.params = params

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(("on_epoch_end", epoch, dict(logs)))

    def on_batch_end(self, batch, logs=None):
        self.seen.append(("on_batch_end", batch, logs["loss"]))

    def on_exception(self, exception):
        self.seen.append(("on_exception", str(exception)))


def trained(callback, model=None, epochs=1):
    with Run(model or SimpleNamespace(), [callback], epochs=epochs, params={"verbose": 0}) as run:
        for _ in run.epochs():
            for batch in run.batches([[1.0]]):
                run.log(loss=batch[0])
    return run


def test_it_is_called_for_the_hooks_that_it_has():
    callback = Theirs()
    trained(callback)
    assert callback.seen == [("on_batch_end", 0, 1.0), ("on_epoch_end", 0, {"loss": 1.0})]
    assert callback.params["epochs"] == 1
    heard = [hook for hook in HOOKS if heard_in(callback, hook)]
    assert heard == ["on_epoch_end", "on_train_batch_end", "on_exception"]


def heard_in(callback, hook):
    listeners = Listeners(callback)
    listeners.refresh()
    return listeners.hear(hook)


def test_it_hears_of_an_exception():
    class Fails(Theirs):
        def on_epoch_end(self, epoch, logs=None):
            raise ValueError("a fault")

    callback = Fails()
    with pytest.raises(ValueError, match="a fault") as caught:
        trained(callback)
    assert callback.seen[-1] == ("on_exception", "a fault")
    assert caught.value.__notes__ == ["raised by Fails.on_epoch_end"]


def test_it_stops_the_training_under_its_own_name():
    class Stops(Theirs):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    run = trained(Stops(), epochs=3)
    assert (run.progress.epoch, run.stopped_by) == (1, "Stops")


def test_both_names_of_a_hook_in_one_object_are_one_hook():
    class Both(Theirs):
        def on_train_batch_end(self, batch, logs=None):
            self.seen.append("newer")

    callback = Both()
    trained(callback)
    assert callback.seen[0] == "newer"
    assert len(callback.seen) == 2


def test_a_hook_that_the_base_class_of_keras_marks_as_doing_nothing_is_not_called():
    class Base(Theirs):
        def on_epoch_begin(self, epoch, logs=None):
            raise AssertionError

        on_epoch_begin._is_default = True

    assert not heard_in(Base(), "on_epoch_begin")


def test_a_hook_that_it_sets_on_itself_in_an_earlier_hook_is_called():
    class Later(Theirs):
        on_batch_end = None

        def _implements_train_batch_hooks(self):
            return True

        def on_epoch_begin(self, epoch, logs=None):
            self.on_batch_end = lambda batch, logs=None: self.seen.append((epoch, batch))

    callback = Later()
    trained(callback, epochs=2)
    assert [one for one in callback.seen if len(one) == 2] == [(0, 0), (1, 0)]


def test_one_that_has_a_hook_for_batches_is_called_for_that_alone():
    class Says(Theirs):
        def _implements_train_batch_hooks(self):
            return True

    assert not heard_in(Says(), "on_train_batch_begin")
    assert heard_in(Says(), "on_train_batch_end")
    assert not heard_in(Says(), "on_test_batch_end")


def test_its_hooks_count_as_those_of_a_user_which_may_look_at_gradients():
    listeners = Listeners(Theirs())
    listeners.refresh()
    assert listeners.heard_by_users("on_train_batch_end")


def test_a_list_by_hand_takes_it_and_an_instance_listed_twice_is_warned_of():
    callback = Theirs()
    callbacks = CallbackList([callback], model=SimpleNamespace(), epochs=2)
    callbacks.on_epoch_end(0, {"loss": 1.0})
    assert callback.seen == [("on_epoch_end", 0, {"loss": 1.0})]
    with pytest.warns(OnfitWarning, match="has the same Theirs twice"):
        CallbackList([callback, callback])


def test_what_it_remembers_is_the_plain_data_that_it_holds():
    first, second = Theirs(), Theirs()
    trained(first)
    states = memories(Listeners(first))
    assert states == {"Theirs/0": {"seen": first.seen}}
    remember(Listeners(second), states)
    assert second.seen == first.seen


def test_what_it_holds_besides_is_named_once():
    callback = Theirs()
    callback.file = open  # no plain data
    with pytest.warns(OnfitWarning, match="Theirs holds file, which is no plain data"):
        memories(Listeners(callback))


def test_a_class_is_an_error_that_shows_the_brackets():
    with pytest.raises(ArgumentTypeError, match=r"Write Theirs\(\.\.\.\) with its arguments"):
        CallbackList([Theirs])


def test_an_object_without_any_hook_is_no_callback():
    class Neither:
        def set_model(self, model): ...

        def set_params(self, params): ...

    with pytest.raises(ArgumentTypeError, match="set_model, set_params and Keras' hooks"):
        CallbackList([Neither()])


@pytest.mark.parametrize("module", ["keras.src.callbacks", "tf_keras.callbacks", "tensorflow.x"])
@pytest.mark.parametrize("name", ["BackupAndRestore", "SwapEMAWeights"])
def test_what_acts_on_keras_own_trainer_is_an_error_that_names_ours(module, name):
    foreign = type(name, (Theirs,), {"__module__": module})
    for kind in (foreign, type("Mine", (foreign,), {})):
        with pytest.raises(CapabilityError, match=rf"Pass onfit\.callbacks\.{name} instead"):
            CallbackList([kind()])


@pytest.mark.parametrize("argument", ["histogram_freq", "embeddings_freq"])
def test_a_board_of_keras_that_would_read_keras_layers_is_an_error_that_names_ours(argument):
    foreign = type("TensorBoard", (Theirs,), {"__module__": "keras.src.callbacks"})
    CallbackList([foreign()])
    asking = foreign()
    setattr(asking, argument, 1)
    with pytest.raises(
        CapabilityError, match=rf"{argument}.*onfit\.callbacks\.TensorBoard instead"
    ):
        CallbackList([asking])


@pytest.mark.parametrize(
    ("name", "lacks"),
    [("ModelCheckpoint", "save"), ("ReduceLROnPlateau", "optimizer.learning_rate")],
)
def test_what_a_callback_of_keras_needs_is_checked_before_training(name, lacks):
    foreign = type(name, (Theirs,), {"__module__": "keras.src.callbacks"})()
    with pytest.raises(CapabilityError, match=f"{name}.*lacks {lacks}"):
        trained(foreign)
