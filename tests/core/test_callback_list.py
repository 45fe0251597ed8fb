"""CallbackList: which callbacks are called, in which order, and what an error says."""

from types import SimpleNamespace

import pytest

from onfit.callbacks import CallbackList
from onfit.core.callback import Callback
from onfit.core.faces import HasWeights, Need
from onfit.core.hooks import HOOKS
from onfit.core.listeners import Listeners
from onfit.core.stop import Stop
from onfit.errors import ArgumentTypeError, CapabilityError, OnfitWarning


class Teller(Callback):
    """Notes what its `on_epoch_end` gets, under its name."""

    def __init__(self, name, told):
        self.name = name
        self.told = told

    def on_epoch_end(self, epoch, logs=None):
        self.told.append((self.name, epoch, logs))


class Failing(Callback):
    def __init__(self, error):
        self.error = error

    def on_epoch_end(self, epoch, logs=None):
        raise self.error

    def on_train_end(self, logs=None):
        raise self.error


class Stopping(Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


class Going(Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = False


def test_all_who_hear_are_told_in_order_with_the_same_logs():
    told, logs = [], {"loss": 0.5}
    CallbackList([Teller("a", told), Callback(), Teller("b", told)]).on_epoch_end(3, logs)
    assert told == [("a", 3, logs), ("b", 3, logs)]
    assert told[0][2] is told[1][2] is logs


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_can_be_told_by_its_name(hook):
    told = []
    callback = type("One", (Callback,), {hook: lambda self, *args: told.append(args)})()
    getattr(CallbackList(callback), hook)(1, 2)
    assert told == [(1, 2)]


def test_a_hook_is_heard_only_where_a_callback_writes_it():
    listeners = Listeners([Teller("a", [])])
    listeners.refresh()
    assert listeners.hear("on_epoch_end")
    assert not listeners.hear("on_epoch_begin")


def test_any_other_attribute_is_missing():
    with pytest.raises(AttributeError, match="'CallbackList' object has no attribute 'on_lunch'"):
        CallbackList().on_lunch  # noqa: B018


@pytest.mark.parametrize(
    "given",
    [
        lambda a, b: [a, b],
        lambda a, b: (a, b),
        lambda a, b: iter([a, b]),
        lambda a, b: CallbackList([a, b]),
        lambda a, b: [a, CallbackList(b)],
    ],
)
def test_callbacks_come_in_any_iterable_and_in_lists_of_lists(given):
    a, b = Callback(), Callback()
    assert list(CallbackList(given(a, b))) == [a, b]


def test_one_callback_or_none_will_do():
    callback = Callback()
    assert list(CallbackList(callback)) == [callback]
    assert list(CallbackList(None)) == list(CallbackList()) == []


def test_an_appended_callback_is_told_last():
    told = []
    callbacks = CallbackList(Teller("a", told))
    callbacks.append(Teller("b", told))
    callbacks.on_epoch_end(0, None)
    assert [name for name, *_ in told] == ["a", "b"]


def test_a_hook_put_on_later_is_heard_after_a_refresh():
    told, callback = [], Callback()
    callbacks = CallbackList(callback)
    callbacks.on_train_begin()
    callback.on_epoch_end = lambda *args: told.append(args)
    callbacks.on_epoch_end(0, None)
    assert told == []
    callbacks.refresh()
    callbacks.on_epoch_end(1, None)
    assert told == [(1, None)]


def test_model_and_params_reach_every_callback():
    model, callback = SimpleNamespace(), Callback()
    callbacks = CallbackList(callback, model=model, epochs=3)
    assert callback.model is callbacks.model is model
    assert callback.params == {"epochs": 3}


def test_a_class_instead_of_an_instance_is_an_error_that_shows_the_brackets():
    for given in (Teller, [Teller]):
        with pytest.raises(ArgumentTypeError) as caught:
            CallbackList(given)
        assert str(caught.value) == (
            "callbacks= takes instances, and Teller is a class. "
            "Write Teller(...) with its arguments."
        )


@pytest.mark.parametrize("garbage", ["early", 3, [None], [Callback(), "x"], print])
def test_garbage_is_an_error_that_says_what_a_callback_is(garbage):
    with pytest.raises(ArgumentTypeError, match=r"takes onfit\.callbacks\.Callback instances"):
        CallbackList(garbage)


def test_garbage_is_shown_with_its_type():
    with pytest.raises(TypeError, match=r"got 3 of type int\. Subclass Callback"):
        CallbackList([3])


def test_an_error_carries_the_callback_and_the_hook():
    told = []
    callbacks = CallbackList([Failing(ValueError("boom")), Teller("after", told)])
    with pytest.raises(ValueError, match="boom") as caught:
        callbacks.on_epoch_end(0, None)
    assert caught.value.__notes__ == ["raised by Failing.on_epoch_end"]
    assert told == []


def test_a_call_to_all_reaches_those_behind_a_failure_and_returns_the_first():
    told = []

    class Last(Callback):
        def on_train_end(self, logs=None):
            told.append(logs)

    first, second = ValueError("one"), KeyboardInterrupt("two")
    listeners = Listeners([Failing(first), Failing(second), Last()])
    listeners.refresh()
    assert listeners.call_all("on_train_end", "logs") is first
    assert told == ["logs"]
    assert first.__notes__ == [
        "raised by Failing.on_train_end",
        "also, Failing.on_train_end raised KeyboardInterrupt('two')",
    ]


def test_a_call_to_all_returns_nothing_where_nothing_fails():
    assert Listeners(Callback()).call_all("on_train_end", None) is None


def test_the_first_who_asks_to_stop_is_remembered():
    class Later(Stopping): ...

    callbacks = CallbackList([Callback(), Stopping(), Later()], model=SimpleNamespace())
    assert callbacks.stopped is None
    callbacks.on_epoch_end(0, None)
    assert callbacks.stopped == Stop("Stopping", means="end")


def test_a_stop_stays_although_another_clears_the_flag():
    callbacks = CallbackList([Stopping(), Going()], model=SimpleNamespace())
    callbacks.on_epoch_end(0, None)
    assert callbacks.model.stop_training is False
    assert callbacks.stopped_by == "Stopping"


class Delegating:
    """Keeps the flag in another object, as wrappers of models do."""

    def __init__(self):
        vars(self)["inner"] = SimpleNamespace(stop_training=False)

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def __setattr__(self, name, value):
        setattr(self.inner, name, value)


class Computing:
    """Answers to the flag's name itself, whatever lies in its dict."""

    def __init__(self):
        self.asked = False
        vars(self)["stop_training"] = False

    @property
    def stop_training(self):
        return self.asked

    @stop_training.setter
    def stop_training(self, value):
        self.asked = value


class Slotted:
    __slots__ = ("stop_training",)


class ByDefault:
    stop_training = False


@pytest.mark.parametrize("kind", [SimpleNamespace, Delegating, Computing, Slotted, ByDefault])
def test_a_stop_is_seen_wherever_the_model_keeps_it(kind):
    callbacks = CallbackList([Callback(), Stopping(), Going()], model=kind())
    callbacks.model.stop_training = False
    callbacks.on_epoch_end(0, None)
    assert callbacks.stopped_by == "Stopping"


def test_needs_are_checked_before_any_callback_gets_the_model():
    class Needy(Callback):
        def needs(self):
            yield Need(HasWeights, "restore=True")

    first = Callback()
    with pytest.raises(CapabilityError, match=r"Needy\(restore=True\) needs get_weights"):
        CallbackList([first, Needy()], model=SimpleNamespace())
    assert first.model is None


def test_a_hook_that_is_misspelt_is_told():
    class Typo(Callback):
        def on_epoch_begn(self, epoch, logs=None): ...

        def on_my_own_event(self): ...

    said = r"Typo\.on_epoch_begn is no hook.*on_epoch_begin"
    with pytest.warns(OnfitWarning, match=said) as told:
        CallbackList([Typo(), Typo()])
    assert len(told) == 1
