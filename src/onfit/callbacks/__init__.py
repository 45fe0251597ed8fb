"""Every callback, one file each. A file is loaded when its callback is asked for, and no framework
with it.
"""

import importlib
from typing import TYPE_CHECKING, Any

from onfit.errors import refusal_of_names

if TYPE_CHECKING:
    from onfit.callbacks.backup_and_restore import BackupAndRestore
    from onfit.callbacks.base_logger import BaseLogger
    from onfit.callbacks.callback_list import CallbackList
    from onfit.callbacks.csv_logger import CSVLogger
    from onfit.callbacks.early_stopping import EarlyStopping
    from onfit.callbacks.history import History
    from onfit.callbacks.lambda_callback import LambdaCallback
    from onfit.callbacks.learning_rate_finder import LearningRateFinder
    from onfit.callbacks.learning_rate_scheduler import LearningRateScheduler
    from onfit.callbacks.model_checkpoint import ModelCheckpoint
    from onfit.callbacks.one_cycle import OneCycle
    from onfit.callbacks.progbar import ProgbarLogger
    from onfit.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
    from onfit.callbacks.remote_monitor import RemoteMonitor
    from onfit.callbacks.swap_ema_weights import SwapEMAWeights
    from onfit.callbacks.tensorboard import TensorBoard
    from onfit.callbacks.terminate_on_nan import TerminateOnNaN
    from onfit.callbacks.time_limit import TimeLimit
    from onfit.core.callback import Callback

_HOMES = {
    "BackupAndRestore": "onfit.callbacks.backup_and_restore",
    "BaseLogger": "onfit.callbacks.base_logger",
    "CSVLogger": "onfit.callbacks.csv_logger",
    "Callback": "onfit.core.callback",
    "CallbackList": "onfit.callbacks.callback_list",
    "EarlyStopping": "onfit.callbacks.early_stopping",
    "History": "onfit.callbacks.history",
    "LambdaCallback": "onfit.callbacks.lambda_callback",
    "LearningRateFinder": "onfit.callbacks.learning_rate_finder",
    "LearningRateScheduler": "onfit.callbacks.learning_rate_scheduler",
    "ModelCheckpoint": "onfit.callbacks.model_checkpoint",
    "OneCycle": "onfit.callbacks.one_cycle",
    "ProgbarLogger": "onfit.callbacks.progbar",
    "ReduceLROnPlateau": "onfit.callbacks.reduce_lr_on_plateau",
    "RemoteMonitor": "onfit.callbacks.remote_monitor",
    "SwapEMAWeights": "onfit.callbacks.swap_ema_weights",
    "TensorBoard": "onfit.callbacks.tensorboard",
    "TerminateOnNaN": "onfit.callbacks.terminate_on_nan",
    "TimeLimit": "onfit.callbacks.time_limit",
}

__all__ = [
    "BackupAndRestore",
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateFinder",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "OneCycle",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
    "TimeLimit",
]


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            refusal_of_names(__name__, __all__)(name)
        value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
        return value


def __dir__() -> list[str]:
    return __all__
