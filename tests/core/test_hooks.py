"""Which callback is called for which hook."""

import pytest

from onfit import callbacks
from onfit.callbacks import CallbackList
from onfit.core.callback import Callback
from onfit.core.hooks import ALL_NAMES, CLASSIC, HOOKS, heard, misspelt
from onfit.errors import OnfitWarning


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


# --- names that are like a hook's -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hook"),
    [
        ("on_epoch_begn", "on_epoch_begin"),
        ("on_epoch_finish", "on_epoch_end"),
        ("on_epoch_finished", "on_epoch_end"),
        ("on_epochs_end", "on_epoch_end"),
        ("on_epochend", "on_epoch_end"),
        ("on_end_epoch", "on_epoch_end"),
        ("on_epoch_start", "on_epoch_begin"),
        ("on_batch_ended", "on_batch_end"),
        ("on_step_end", "on_batch_end"),
        ("on_train_batch_start", "on_train_batch_begin"),
        ("onEpochEnd", "on_epoch_end"),
        ("onTrainBatchEnd", "on_train_batch_end"),
        ("OnTrainEnd", "on_train_end"),
        ("on_train_epoch_end", "on_epoch_end"),
        ("on_validation_epoch_end", "on_test_end"),
        ("on_val_begin", "on_test_begin"),
        ("on_fit_start", "on_train_begin"),
        ("on_training_end", "on_train_end"),
        ("on_evaluate_end", "on_test_end"),
        ("on_prediction_end", "on_predict_end"),
        ("epoch_end", "on_epoch_end"),
        ("batch_begin", "on_batch_begin"),
        ("train_batch_end", "on_train_batch_end"),
        ("epochEnd", "on_epoch_end"),
        ("after_epoch", "on_epoch_end"),
        ("before_batch", "on_batch_begin"),
        ("on_before_optimizer_steps", "on_before_optimizer_step"),
    ],
)
def test_a_method_that_looks_like_a_hook_is_reported_with_the_nearest(name, hook):
    kind = type("Mine", (Callback,), {name: lambda self, *args: None})
    assert misspelt(kind) == {name: hook}
    with pytest.warns(OnfitWarning, match=rf"Mine\.{name} is no hook.* Did you mean {hook}\?"):
        CallbackList([kind()])


@pytest.mark.parametrize(
    "name",
    [
        "on_my_own_event", "on_improvement", "on_save", "on_epoch_middle", "on_click", "plot_epoch",
        "_epoch_end", "end", "error", "reset", "batch", "train_model", "test", "predict",
        "save_epoch_end", "validate", "stop", "on_off", "start", "end_of_epoch_report",
    ],
)  # fmt: skip
def test_a_method_that_is_like_no_hook_is_not_reported(name):
    assert misspelt(type("Mine", (Callback,), {name: lambda self, *args: None})) == {}


def test_a_part_of_a_hooks_work_may_have_a_name_like_it():
    methods = {name: lambda self, *args: None for name in ("on_epoch_end", "epoch_end")}
    assert misspelt(type("Mine", (Callback,), methods)) == {}
    methods = {name: lambda self, *args: None for name in ("on_epoch_begin", "epoch_end")}
    assert misspelt(type("Mine", (Callback,), methods)) == {"epoch_end": "on_epoch_end"}


def test_a_value_is_no_misspelt_hook():
    assert misspelt(type("Mine", (Callback,), {"epoch_end": 3, "on_epoch_finish": "never"})) == {}


@pytest.mark.parametrize("name", [name for name in callbacks.__all__ if name != "CallbackList"])
def test_no_callback_of_onfit_has_a_misspelt_hook(name):
    assert misspelt(getattr(callbacks, name)) == {}
