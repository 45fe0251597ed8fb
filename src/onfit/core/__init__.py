"""The walk and its contracts: hooks, callbacks, logs, objectives, runs. Knows no framework."""

from onfit.core.callback import Callback
from onfit.core.judging.objective import Best, Objective
from onfit.core.logs import Logs
from onfit.core.progress import Progress
from onfit.core.run import Run
from onfit.core.session import Session
from onfit.core.stop import Stop

__all__ = ["Best", "Callback", "Logs", "Objective", "Progress", "Run", "Session", "Stop"]
