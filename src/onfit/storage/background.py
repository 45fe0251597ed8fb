"""Writing while the program goes on."""

import os
import threading
import weakref
from collections.abc import Callable

_writers: "weakref.WeakSet[BackgroundWriter]" = weakref.WeakSet()


class BackgroundWriter:
    """Does one job at a time in a thread. No error is lost: the next call raises it.

    The thread is no daemon: a program that ends waits for it, so no file is cut off. When Python
    is about to end and starts no more threads, the job is done at once.

    No process is forked while a job is under way: the fork waits for it. In the other process a
    lock that the thread had would be locked for ever.

    Example:
        >>> writer = BackgroundWriter()
        >>> writer.start(lambda: None)
        >>> writer.wait()
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        _writers.add(self)
        self._error: BaseException | None = None

    @property
    def busy(self) -> bool:
        """Whether a job is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, job: Callable[[], object]) -> None:
        """Begin `job`, once the one before is done.

        Raises:
            BaseException: what the job before raised; `job` is not begun then.
        """
        self.wait()
        thread = threading.Thread(target=self._do, args=(job,), name="onfit writer")
        try:
            thread.start()
        except RuntimeError:
            self._do(job)
        else:
            self._thread = thread

    def wait(self) -> None:
        """Return when nothing is under way.

        Raises:
            BaseException: what the last job raised; it is raised once.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _do(self, job: Callable[[], object]) -> None:
        try:
            job()
        except BaseException as error:
            self._error = error


def _wait_before_fork() -> None:
    for writer in list(_writers):
        thread = writer._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait_before_fork)
