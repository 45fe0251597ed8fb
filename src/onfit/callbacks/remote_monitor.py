"""RemoteMonitor: send every epoch's logs to a server, while training goes on."""

import atexit
import json
import math
import numbers
import threading
import warnings
from collections import deque
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Never
from urllib.parse import urlsplit

from onfit.core.callback import Callback, Logs
from onfit.core.meter import as_number
from onfit.core.representation import refuse_unknown
from onfit.errors import ArgumentError, MissingPackageError, OnfitWarning

if TYPE_CHECKING:
    from requests import Response

Event = dict[str, Any]


class RemoteMonitor(Callback):
    """Posts `{"epoch": ..., **logs}` to a server at the end of every epoch.

    In a run, a thread of its own does the sending: a server that is slow, silent or gone neither
    stops training nor slows it down. A problem is reported once, as a warning, at the next epoch.
    In a loop that calls the hooks by hand, each event is sent at once, by the loop itself; a
    problem is reported at once, too.

    Values are sent as JSON numbers, arrays as lists. JSON has no NaN and no infinity, so both
    become null. A value that JSON cannot hold at all is sent as its text.

    Args:
        root: the server, such as `http://localhost:9000`.
        path: the address of the events on the server, appended to `root`.
        field: the name of the form field that holds the JSON text.
        headers: further HTTP headers.
        send_as_json: send the event itself, as `application/json`, instead of within a form.
        timeout: seconds to wait for the server, or a pair: to be connected, to be answered.
        flush_timeout: seconds that the end of training, or of the program, waits for events that
            are not sent yet.
        max_pending: how many events may wait for the server. If there are more, the oldest are
            dropped.

    Raises:
        ArgumentError: for a `root` that is no http or https address, or `max_pending` below 1.
        MissingPackageError: if the `requests` library is not installed.

    Example:
        >>> monitor = RemoteMonitor("http://localhost:9000", send_as_json=True)
    """

    remembers = ()

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
        *,
        timeout: float | tuple[float, float] = (3.05, 10.0),
        flush_timeout: float = 5.0,
        max_pending: int = 100,
        **unknown: Never,
    ) -> None:
        refuse_unknown(RemoteMonitor.__init__, unknown)
        if find_spec("requests") is None:
            raise MissingPackageError(
                "RemoteMonitor needs the requests library, which is not installed. "
                "Install it with: pip install requests",
                name="requests",
            )
        _check_root(root)
        if max_pending < 1:
            raise ArgumentError(
                f"RemoteMonitor(max_pending={max_pending!r}): at least 1 event must be able to "
                "wait while another is sent."
            )
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json
        self.timeout = timeout
        self.flush_timeout = flush_timeout
        self.max_pending = max_pending
        self._mail: _Mail | None = None
        self._told: set[str] = set()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._told = set()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        values = {"epoch": epoch, **(logs or {})}
        event = {str(name): _plain(value) for name, value in values.items()}
        if self._session is None or self._session.outcome is not None:
            problem = self._post(event)
            self._tell([] if problem is None else [problem])
            return
        if self._mail is None:
            self._mail = _Mail(self._post, self.max_pending)
            # A loop may end without `on_train_end`, and its program would take the thread with it.
            atexit.register(self._mail.close, self.flush_timeout)
        self._tell(self._mail.problems())
        self._mail.put(event)

    def on_train_end(self, logs: Logs | None = None) -> None:
        mail, self._mail = self._mail, None
        if mail is None:
            return
        atexit.unregister(mail.close)
        lost = mail.close(self.flush_timeout)
        self._tell(mail.problems())
        if lost:
            warnings.warn(
                f"RemoteMonitor lost {lost} event{'s' if lost > 1 else ''}: the server at "
                f"{self.root} did not take them in time. Raise max_pending or flush_timeout to "
                "wait for a slow server.",
                OnfitWarning,
                stacklevel=2,
            )

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: all but the events that this process sends."""
        return {**super().__getstate__(), "_mail": None}

    def _post(self, event: Event) -> tuple[str, str] | None:
        """Send one event; return the kind and the text of the problem, or None."""
        try:
            answer = self._answer_to(event)
        except Exception as error:  # any problem with the server: training goes on
            return "unreachable", (
                f"Could not reach RemoteMonitor root server at {self.root}: {error}. "
                "Training goes on"
            )
        if answer.status_code >= 400:
            return "refused", (
                f"The RemoteMonitor server answered {answer.status_code} {answer.reason} to an "
                f"event at {self.root}{self.path}. Training goes on"
            )
        return None

    def _answer_to(self, event: Event) -> "Response":
        import requests

        url = self.root + self.path
        if self.send_as_json:
            return requests.post(url, json=event, headers=self.headers, timeout=self.timeout)
        form = {self.field: json.dumps(event)}
        return requests.post(url, data=form, headers=self.headers, timeout=self.timeout)

    def _tell(self, problems: list[tuple[str, str]]) -> None:
        # Warn here, in the thread of the training: in the sending thread the user's filters for
        # warnings may not apply.
        for kind, text in problems:
            if kind not in self._told:
                self._told.add(kind)
                warnings.warn(text, OnfitWarning, stacklevel=3)


class _Mail:
    """Events that are being sent: a bounded queue, and a thread while the queue is not empty.

    Args:
        post: sends one event; returns the kind and the text of the problem, or None.
        limit: how many events may wait.
    """

    def __init__(self, post: Callable[[Event], tuple[str, str] | None], limit: int) -> None:
        self._post = post
        self._limit = limit
        self._waiting: deque[Event] = deque()
        self._working = False  # whether the thread runs
        self._sending = False  # whether it holds an event
        self._dropped = 0
        self._problems: dict[str, str] = {}
        self._changed = threading.Condition()

    def put(self, event: Event) -> None:
        """Add `event` to the queue; this never blocks."""
        with self._changed:
            if len(self._waiting) == self._limit:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(event)
            if not self._working:
                self._working = True
                # A daemon: a server that hangs does not keep the program from ending.
                threading.Thread(target=self._work, name="RemoteMonitor", daemon=True).start()

    def close(self, timeout: float) -> int:
        """Wait at most `timeout` seconds until all events are sent; return how many were lost."""
        with self._changed:
            self._changed.wait_for(lambda: not self._working, timeout)
            lost = self._dropped + len(self._waiting) + self._sending
            self._waiting.clear()
        return lost

    def problems(self) -> list[tuple[str, str]]:
        """The problems since the last call, one text of each kind."""
        with self._changed:
            problems, self._problems = self._problems, {}
        return list(problems.items())

    def _work(self) -> None:
        while (event := self._next()) is not None:
            problem = self._post(event)
            with self._changed:
                self._sending = False
                if problem is not None:
                    self._problems.setdefault(*problem)

    def _next(self) -> Event | None:
        """The next event; None if there is none, and then the thread ends."""
        with self._changed:
            if self._waiting:
                self._sending = True
                return self._waiting.popleft()
            self._working = False
            self._changed.notify_all()
            return None


def _check_root(root: Any) -> None:
    address = urlsplit(root) if isinstance(root, str) else None
    if address is None or address.scheme not in ("http", "https") or not address.netloc:
        better = f"http://{root}" if isinstance(root, str) and "://" not in root else None
        raise ArgumentError(
            f"RemoteMonitor(root={root!r}): root is the address of a server, beginning with "
            f"http:// or https://.{f' Did you mean {better!r}?' if better else ''}"
        )


def _plain(value: Any) -> Any:
    """`value` in types that JSON has."""
    value = as_number(value)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)
