"""What is said about a list of callbacks before training: names that are no hooks, and doubles."""

import warnings

import pytest

from onfit.callbacks import CallbackList, History
from onfit.core import Callback
from onfit.core.hooks import misspelt
from onfit.errors import OnfitWarning


def test_a_method_that_the_class_itself_calls_is_no_misspelt_hook():
    class Half(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.on_epochs_done()
            self.stop_training()

        def on_epochs_done(self): ...

        def stop_training(self): ...

    class Child(Half):
        def on_epochs_done(self): ...

    assert misspelt(Half) == misspelt(Child) == {}


def test_one_that_nothing_calls_is_named():
    class Half(Callback):
        def on_epochs_end(self, epoch, logs=None): ...

    assert misspelt(Half) == {"on_epochs_end": "on_epoch_end"}


def test_the_same_callback_twice_is_said():
    history = History()
    with pytest.warns(OnfitWarning, match="the same History twice"):
        CallbackList([history, history])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CallbackList([history, History()])
