"""One event on its way to the server. A server is not trusted: its answer is its status alone."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from onfit.callbacks.remote_monitor.address import without_secrets
from onfit.callbacks.remote_monitor.event import Event
from onfit.core.representation import without_password

# Answers after which the same event may be taken: too early, too many, and all from 500 on.
_LATER = (408, 425, 429)


class Problem(NamedTuple):
    """Why an event was not taken.

    Attributes:
        kind: a word for problems that are alike.
        text: a sentence for the user, without its point.
        passing: whether the same event may be taken later.
    """

    kind: str
    text: str
    passing: bool


class Post:
    """Posts events to one address.

    Args:
        root: the server.
        path: the address on it.
        field: the name of the form's field; None to send the event as JSON itself.
        headers: further HTTP headers.
        timeout: seconds to wait, or a pair: to be connected, to be answered.
    """

    def __init__(
        self,
        root: str,
        path: str,
        field: str | None,
        headers: Mapping[str, str] | None,
        timeout: Any,
    ) -> None:
        self._root, self._url = root, root + path
        self._field = field
        self._headers = headers
        self._timeout = timeout

    def __call__(self, event: Event) -> Problem | None:
        """Send one event; return the problem, if there is one."""
        try:
            status = self._status_of(event)
        except Exception as error:  # any problem with the server: training goes on
            return Problem("unreachable", self._unreachable(error), isinstance(error, OSError))
        if 200 <= status < 300:
            return None
        text = f"The RemoteMonitor server answered {status} {_phrase(status)} to an event at "
        where = without_secrets(self._url.partition("?")[0], self._url, self._headers)
        return Problem(f"refused {status}", text + where, status >= 500 or status in _LATER)

    def _unreachable(self, error: Exception) -> str:
        reason = without_secrets(str(error), self._url, self._headers)
        return (
            f"Could not reach RemoteMonitor root server at {without_password(self._root)}: {reason}"
        )

    def _status_of(self, event: Event) -> int:
        import requests

        body: Any = {"json": event}
        if self._field is not None:
            body = {"data": {self._field: json.dumps(event)}}
        answer = requests.post(
            self._url,
            **body,
            headers=self._headers,
            timeout=self._timeout,
            allow_redirects=False,  # else the headers, and their secrets, would go to any host
            stream=True,  # else all that the server sends would be read, and unpacked
            hooks={"response": _forget_the_redirect},
        )
        close = getattr(answer, "close", None)
        if close is not None:  # a stand-in for requests.post need not have it
            close()
        return int(answer.status_code)


def _forget_the_redirect(answer: Any, *args: Any, **more: Any) -> None:
    """Else requests would look where it leads to, and read the whole answer for that."""
    answer.headers.pop("location", None)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(no status of HTTP)"
