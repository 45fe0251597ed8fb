"""Every callback, one file each. Importing them loads no framework."""

from onfit.callbacks.early_stopping import EarlyStopping
from onfit.callbacks.history import History
from onfit.core.callback import Callback
from onfit.core.callback_list import CallbackList

__all__ = ["Callback", "CallbackList", "EarlyStopping", "History"]
