"""The walk and its contracts: hooks, callbacks, logs, objectives, runs. Knows no framework."""

from onfit.core.callback import Callback
from onfit.core.callback_list import CallbackList
from onfit.core.logs import Logs
from onfit.core.objective import Best, Objective
from onfit.core.progress import Progress
from onfit.core.run import Run

__all__ = ["Best", "Callback", "CallbackList", "Logs", "Objective", "Progress", "Run"]
