"""The end of a session: its hooks, and what is said to the user."""

from typing import TYPE_CHECKING

from onfit.core.console import say
from onfit.core.timing import line_of, notable

if TYPE_CHECKING:
    from onfit.core.session import Session


def finish(session: "Session", error: BaseException | None) -> None:
    """Call the end hooks, whatever happened, and say how it ended.

    Args:
        session: the session, which is over.
        error: what ended it, if something was raised; it gets notes of further exceptions.
    """
    session._ended = True
    session.outcome = session._outcome_of(error)
    problems = []
    try:
        if error is not None:
            problems.append(session.callbacks.call_all("on_exception", error))
        problems.append(session.callbacks.call_all("on_train_end", session._last_logs))
    finally:
        session.over = True
        session.timing.end()
        if session._unobserve is not None:
            session._unobserve()
    for problem in filter(None, problems):
        if error is None:
            session.outcome = "failed"
            raise problem
        error.add_note(f"also, while telling the end: {problem!r}")
    if error is None and session.params.get("verbose"):
        _say_how_it_ended(session)


def _say_how_it_ended(session: "Session") -> None:
    if session.stopping:
        reason = f": {session.stop_reason}" if session.stop_reason else ""
        say(f"Stopped after {session.place} by {session.stopped_by}{reason}.")
    report = session.timing.report()
    line = line_of(report) if session.params["verbose"] == 2 else notable(report)
    if line:
        say(line)
