"""Events that wait for the server, and the thread that sends them."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable

from onfit.callbacks.remote_monitor.event import Event, plain
from onfit.callbacks.remote_monitor.post import Problem

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds before the same event is tried again
_TRIES = 5  # of an event that the server answers to, and does not take
_HUNG = 3  # threads that may hang at a server that never ends its answer


class Delivery:
    """A bounded queue, and a thread while there is something to send.

    An event that the server cannot take now is tried again when the next one comes, if a pause is
    over, which doubles each time; so no thread waits. What is lost is counted.

    Args:
        post: sends one event; returns the problem, or None.
        limit: how many events may wait.
        deadline: seconds after which an event that is being sent is given up.
    """

    def __init__(
        self, post: Callable[[Event], Problem | None], limit: int, deadline: float
    ) -> None:
        self._post = post
        self._limit = limit
        self._deadline = deadline
        self._waiting: deque[Event] = deque()
        self._worker: threading.Thread | None = None
        self._sending: Event | None = None
        self._since = 0.0  # when the event that is being sent was taken up
        self._not_before = 0.0  # when the server may be tried again
        self._closing = False
        self._tries = self._hung = 0
        self._problems: dict[str, str] = {}
        self._changed = threading.Condition()
        self.lost = 0
        self.latest: str | None = None  # the text of the latest problem

    def put(self, event: Event) -> None:
        """Add `event` to the queue; this never blocks."""
        with self._changed:
            self._give_up_what_hangs()
            if len(self._waiting) >= self._limit:
                self._waiting.popleft()  # the oldest
                self.lost += 1
                self._problems["full"] = (
                    f"More than {self._limit} events wait for the RemoteMonitor server. The oldest "
                    "are lost"
                )
            self._waiting.append(event)
            if time.monotonic() >= self._not_before:
                self._begin()

    def wait(self) -> None:
        """Wait until all is sent, or something keeps it from being sent."""
        with self._changed:
            self._changed.wait_for(lambda: self._worker is None, self._deadline)

    def close(self, timeout: float) -> int:
        """Try each event a last time, for at most `timeout` seconds; return how many were lost."""
        with self._changed:
            self._closing, self._not_before = True, 0.0
            self._begin()
            self._changed.wait_for(lambda: self._worker is None, timeout)
            self.lost += len(self._waiting) + (self._sending is not None)
            self._waiting.clear()
            self._worker = self._sending = None
        return self.lost

    def problems(self) -> list[tuple[str, str]]:
        """The problems since the last call: of each kind its word and one text."""
        with self._changed:
            problems, self._problems = self._problems, {}
        return list(problems.items())

    def _begin(self) -> None:
        if self._worker is None and self._waiting:
            # A daemon: a server that hangs does not keep the program from ending.
            self._worker = threading.Thread(target=self._work, name="RemoteMonitor", daemon=True)
            self._worker.start()

    def _give_up_what_hangs(self) -> None:
        hangs = self._sending is not None and time.monotonic() - self._since > self._deadline
        if hangs and self._hung < _HUNG:
            self._hung += 1
            self._lose("hangs", f"The RemoteMonitor server took more than {self._deadline:.0f} s")
            self._worker = self._sending = None

    def _lose(self, kind: str, text: str) -> None:
        self.lost += 1
        self._note(kind, text, "An event is lost")

    def _note(self, kind: str, text: str, *more: str) -> None:
        self.latest = text
        self._problems.setdefault(kind, ". ".join([text, *more]))

    # --- in the thread -----------------------------------------------------------------------

    def _work(self) -> None:
        me = threading.current_thread()
        while (event := self._next(me)) is not None:
            values, left_out = plain(event)
            problem = self._post(values)
            with self._changed:
                if self._worker is not me:  # given up meanwhile
                    self._hung -= 1
                    return
                self._sending = None
                for name, why in left_out.items():
                    self._note(f"value {name}", f"RemoteMonitor leaves out {name!r}: {why}")
                self._settle(event, problem)

    def _next(self, me: threading.Thread) -> Event | None:
        """The next event; None if there is none, or none now, and then the thread ends."""
        with self._changed:
            if self._worker is not me:
                return None
            if self._waiting and time.monotonic() >= self._not_before:
                self._since = time.monotonic()
                self._sending = self._waiting.popleft()
                return self._sending
            self._worker = None
            self._changed.notify_all()
            return None

    def _settle(self, event: Event, problem: Problem | None) -> None:
        """Count an event that is lost; put it back if it may be taken later."""
        self._not_before = 0.0
        if problem is None:
            self._tries = 0
            return
        self._tries += 1
        answered = problem.kind != "unreachable"
        if not problem.passing or (answered and self._tries >= _TRIES):
            self._tries = 0
            self._lose(problem.kind, problem.text)
            return
        self._note(problem.kind, problem.text, "RemoteMonitor will try again")
        self._waiting.appendleft(event)
        # At the end that was the last try: what waits is lost.
        pause = min(_FIRST_PAUSE * 2 ** (self._tries - 1), _LONGEST_PAUSE)
        self._not_before = math.inf if self._closing else time.monotonic() + pause
