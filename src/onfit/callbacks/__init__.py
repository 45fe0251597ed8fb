"""Every callback, one file each. Importing them loads no framework."""

from onfit.callbacks.backup_and_restore import BackupAndRestore
from onfit.callbacks.base_logger import BaseLogger
from onfit.callbacks.csv_logger import CSVLogger
from onfit.callbacks.early_stopping import EarlyStopping
from onfit.callbacks.history import History
from onfit.callbacks.lambda_callback import LambdaCallback
from onfit.callbacks.learning_rate_scheduler import LearningRateScheduler
from onfit.callbacks.model_checkpoint import ModelCheckpoint
from onfit.callbacks.progbar_logger import ProgbarLogger
from onfit.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from onfit.callbacks.remote_monitor import RemoteMonitor
from onfit.callbacks.tensorboard import TensorBoard
from onfit.callbacks.terminate_on_nan import TerminateOnNaN
from onfit.callbacks.time_limit import TimeLimit
from onfit.core.callback import Callback
from onfit.core.callback_list import CallbackList

__all__ = [
    "BackupAndRestore",
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "TensorBoard",
    "TerminateOnNaN",
    "TimeLimit",
]
