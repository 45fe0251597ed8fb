"""Which callback is called for which hook."""

import pytest

from onfit.callbacks import CallbackList
from onfit.core.callback import Callback
from onfit.core.hooks import ALL_NAMES, CLASSIC, HOOKS, heard


@pytest.mark.parametrize("hook", ALL_NAMES)
def test_the_base_class_hears_nothing(hook):
    assert not Callback().hears(hook)


@pytest.mark.parametrize("hook", HOOKS)
def test_an_overridden_hook_is_heard_and_no_other(hook):
    callback = type("One", (Callback,), {hook: lambda self, *args: None})()
    assert [name for name in HOOKS if callback.hears(name)] == [hook]


@pytest.mark.parametrize("hook", HOOKS)
def test_an_override_that_inherits_is_heard(hook):
    parent = type("Parent", (Callback,), {hook: lambda self, *args: None})
    assert type("Child", (parent,), {})().hears(hook)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_function_put_on_the_instance_is_heard(hook):
    callback = Callback()
    setattr(callback, hook, lambda *args: "told")
    assert heard(callback, hook)() == "told"


@pytest.mark.parametrize(("newer", "classic"), CLASSIC.items())
def test_the_classic_name_is_heard_under_the_newer(newer, classic):
    callback = type("Old", (Callback,), {classic: lambda self, *args: classic})()
    assert heard(callback, newer)(0, {}) == classic
    assert callback.hears(classic)


@pytest.mark.parametrize(("newer", "classic"), CLASSIC.items())
def test_a_classic_function_on_the_instance_is_heard(newer, classic):
    callback = Callback()
    setattr(callback, classic, lambda *args: classic)
    assert heard(callback, newer)(0, {}) == classic


@pytest.mark.parametrize(("newer", "classic"), CLASSIC.items())
def test_who_has_both_names_is_told_by_the_newer(newer, classic):
    told = []
    callback = type(
        "Both",
        (Callback,),
        {
            newer: lambda self, *args: told.append(newer),
            classic: lambda self, *args: told.append(classic),
        },
    )()
    getattr(CallbackList(callback), newer)(0, {})
    assert told == [newer]


def test_super_leads_from_the_newer_name_to_the_classic():
    class Both(Callback):
        def __init__(self):
            self.told = []

        def on_train_batch_begin(self, batch, logs=None):
            super().on_train_batch_begin(batch, logs)
            self.told.append("newer begin")

        def on_batch_begin(self, batch, logs=None):
            self.told.append("classic begin")

        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.told.append("newer end")

        def on_batch_end(self, batch, logs=None):
            self.told.append("classic end")

    both = Both()
    callbacks = CallbackList(both)
    callbacks.on_train_batch_begin(0, {})
    callbacks.on_train_batch_end(0, {})
    assert both.told == ["classic begin", "newer begin", "classic end", "newer end"]


def test_super_reaches_a_parent_hook_through_the_whole_chain():
    told = []

    class Parent(Callback):
        def on_epoch_end(self, epoch, logs=None):
            told.append("parent")
            super().on_epoch_end(epoch, logs)

    class Child(Parent):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            told.append("child")

    CallbackList(Child()).on_epoch_end(0, {})
    assert told == ["parent", "child"]


def test_a_hook_set_to_none_is_not_heard():
    callback = type("Deaf", (Callback,), {"on_epoch_end": None})()
    assert not callback.hears("on_epoch_end")


def test_an_object_without_the_hook_does_not_hear_it():
    assert heard(object(), "on_epoch_end") is None
