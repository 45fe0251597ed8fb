"""RemoteMonitor: send every epoch's logs to a server, while training goes on."""

import atexit
from importlib.util import find_spec
from typing import Any

from onfit.callbacks.remote_monitor.address import check_address
from onfit.callbacks.remote_monitor.delivery import Delivery
from onfit.callbacks.remote_monitor.event import taken
from onfit.callbacks.remote_monitor.post import Post
from onfit.core.callback import Callback, Logs
from onfit.core.judging.deciding import in_steps
from onfit.core.representation import checked_arguments, without_password
from onfit.errors import ArgumentError, MissingPackageError, warn

_UNLIMITED = 60.0  # seconds for a part of a request whose timeout is None


class RemoteMonitor(Callback):
    """Posts `{"epoch": ..., **logs}` to a server at the end of every epoch.

    In a run of steps it posts `{"step": ..., **logs}` at each validation.

    A thread of its own does the sending: a server that is slow, silent or gone neither stops
    training nor slows it down. An event that the server cannot take now is tried again, after
    pauses that grow from a second to a minute. A problem is reported once, as a warning, at the
    next epoch; at the end a warning says how many events were lost. In a loop that calls the hooks
    by hand, each event is waited for, until the server first has a problem.

    Values are sent as JSON numbers, arrays as lists. JSON has no NaN and no infinity, so both
    become null. A value that JSON cannot hold at all is sent as its text; one that has no text, or
    holds itself, is left out, and a warning names it.

    The server is not trusted: of its answer the status is read and no more, and no redirect is
    followed, so that `headers` reach no other host. A user and password in `root` are in no
    message. An event whose answer was lost is sent twice.

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
    main_process_only = True

    @checked_arguments
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
    ) -> None:
        if find_spec("requests") is None:
            raise MissingPackageError(
                "RemoteMonitor needs the requests library, which is not installed. "
                "Install it with: pip install requests",
                name="requests",
            )
        check_address(root, path)
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
        self._delivery: Delivery | None = None
        self._told: set[str] = set()

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        self._told = set()

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        self._send("epoch", epoch, logs)

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        if in_steps(self):
            self._send("step", step, logs)

    def _send(self, place: str, index: int, logs: Logs | None) -> None:
        if self._delivery is None:
            self._delivery = self._begin()
        self._tell(self._delivery)
        self._delivery.put(taken(place, index, logs))
        if self._session is None or self._session.outcome is not None:
            self._delivery.wait()
            self._tell(self._delivery)

    def on_train_end(self, logs: Logs | Any = None) -> None:
        delivery, self._delivery = self._delivery, None
        if delivery is None:
            return
        atexit.unregister(self._at_exit)
        lost = delivery.close(self.flush_timeout)
        if lost:
            delivery.problems()  # the latest of them is the reason
            warn(self._loss(lost, delivery.latest))
        else:
            self._tell(delivery)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: all but the events that this process sends."""
        return {**super().__getstate__(), "_delivery": None}

    def _begin(self) -> Delivery:
        # A loop may end without `on_train_end`, and its program would take the thread with it.
        atexit.register(self._at_exit)
        field = None if self.send_as_json else self.field
        post = Post(self.root, self.path, field, self.headers, self.timeout)
        return Delivery(post, self.max_pending, _deadline(self.timeout))

    def _at_exit(self) -> None:
        self.on_train_end()

    def _loss(self, lost: int, reason: str | None) -> str:
        count = f"RemoteMonitor lost {lost} event{'s' if lost > 1 else ''}"
        if reason is not None:
            return f"{reason}. {count}. Training goes on"
        return (
            f"{count}: the server at {without_password(self.root)} did not take them in time. "
            "Raise max_pending or flush_timeout to wait for a slow server."
        )

    def _tell(self, delivery: Delivery) -> None:
        # Warn here, in the thread of the training: in the sending thread the user's filters for
        # warnings may not apply.
        for kind, text in delivery.problems():
            if kind not in self._told:
                self._told.add(kind)
                warn(f"{text}. Training goes on")


def _deadline(timeout: Any) -> float:
    """Seconds after which an event is given up: a server may send its answer letter by letter, each
    of them within the timeout.
    """
    parts = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    return 2 * sum(_UNLIMITED if part is None else float(part) for part in parts)
