"""The end of a session: its hooks, what is saved, and what is said to the user."""

from typing import TYPE_CHECKING, Any, Protocol

from onfit.core.console import say
from onfit.core.interrupts import INTERRUPTS
from onfit.core.packages.plain import is_plain
from onfit.core.timing import line_of, notable

if TYPE_CHECKING:
    from onfit.core.session import Session

# A hook that an exception of a signal left half-way is called again by the run that goes on. What
# else a signal cuts off is done anew as a whole.
_CALLED_AGAIN = ("on_epoch_begin", "on_train_batch_end", "on_epoch_end")
_WHOLE = (*_CALLED_AGAIN, "on_train_batch_begin")


class Keeper(Protocol):
    """Saves a run, so that another process can go on with it."""

    def pause(self) -> None:
        """Save the run as it is, in the middle of an epoch: it goes on in another process, or one
        of its processes asked for that.
        """

    def training_is_over(self) -> None:
        """Training has ended without an error; the end hooks come next."""

    def run_is_over(self, well: bool) -> None:
        """Every end hook has been called. `well`: all returned, and no signal is pending."""


def finish(session: "Session", error: BaseException | None) -> None:
    """Call the end hooks, whatever happened, and say how it ended.

    Args:
        session: the session, which is over.
        error: what ended it, if something was raised; it gets notes of further exceptions.
    """
    session._ended = True
    session.outcome = session._outcome_of(error)
    if error is not None:
        session.processes.explain(error)
    problems: list[BaseException] = []
    well = False
    try:
        problems = [*_saved(session, error), *_told(session, error)]
        well = error is None and not problems and session.signal is None
    finally:
        session.over = True
        session.timing.end()
        if session._unobserve is not None:
            session._unobserve()
        for keeper in session.keepers:
            keeper.run_is_over(well)
    for problem in problems:
        if error is None:
            session.outcome = "failed"
            raise problem
        error.add_note(f"also, while telling the end: {problem!r}")
    if error is None and session.params.get("verbose"):
        _say_how_it_ended(session)


def _saved(session: "Session", error: BaseException | None) -> list[BaseException]:
    """Have the run saved, if it is whole; an exception of that comes after the end hooks."""
    try:
        for keeper in session.keepers:
            if error is None:
                keeper.training_is_over()
            elif _was_cut_off(session, error):
                keeper.pause()
    except Exception as problem:
        return [problem]
    return []


def _was_cut_off(session: "Session", error: BaseException) -> bool:
    """Whether the exception of a signal came out of a hook, in which another walk was under way."""
    left = session.callbacks.left
    if session.signal is None or INTERRUPTS.aborts or left is None:
        return False
    if session.processes.world > 1:  # the others are elsewhere: they cannot save with this one
        return False
    if session.cut_short:  # it was saved before this hook
        return False
    if not isinstance(error, KeyboardInterrupt | SystemExit) or left.hook not in _WHOLE:
        return False
    if left.hook in _CALLED_AGAIN:
        index, logs = left.arguments
        session.unheard = {
            "hook": left.hook,
            "callbacks": left.names,
            "index": index,
            "logs": {name: value for name, value in logs.items() if is_plain(value)},
        }
    return True


def _told(session: "Session", error: BaseException | None) -> list[BaseException]:
    """Call the end hooks; the exceptions that they raised."""
    hooks: list[tuple[str, Any]] = [] if error is None else [("on_exception", error)]
    hooks.append(("on_train_end", session._last_logs))
    raised = [session.callbacks.call_all(hook, argument) for hook, argument in hooks]
    return [each for each in raised if each is not None]


def _say_how_it_ended(session: "Session") -> None:
    if session.stopping:
        reason = f": {session.stop_reason}" if session.stop_reason else ""
        goes_on = session.keepers and session.pausing and session.cut_short
        hint = " Start the script again to go on from its checkpoint." if goes_on else ""
        say(f"Stopped {session.place} by {session.stopped_by}{reason}.{hint}")
    report = session.timing.report()
    line = line_of(report) if session.params["verbose"] == 2 else notable(report)
    if line:
        say(line)
