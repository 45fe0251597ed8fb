"""RemoteMonitor: send every epoch's logs to a server, while training goes on."""

from onfit.callbacks.remote_monitor.callback import RemoteMonitor

__all__ = ["RemoteMonitor"]
