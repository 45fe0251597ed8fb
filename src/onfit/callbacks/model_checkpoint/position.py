"""Where the training is when a model is saved: the epoch, and how many batches of it are done."""

from typing import Any

from onfit.core.judging.deciding import decides, place
from onfit.core.judging.decisions import note


class Position:
    """What the hooks say of the epoch and its batches. A session knows both, also in an epoch that
    a resumed run goes on with; in a loop that calls the hooks by hand, their arguments say it.
    """

    def __init__(self) -> None:
        self._epoch = 0
        self._batches: int | None = None

    def epoch_begins(self, epoch: int) -> None:
        """Note an epoch that begins."""
        self._epoch, self._batches = epoch, None

    def batch_ends(self, batch: int) -> None:
        """Note a batch that is over."""
        self._batches = batch + 1

    def epoch_ends(self, epoch: int) -> None:
        """Note an epoch that is over; a loop may leave out the hook at the next one's begin."""
        self.epoch_begins(epoch + 1)

    def epoch(self, session: Any) -> int:
        """The epoch, counted from 0."""
        return self._epoch if _is_over(session) else int(session.progress.epoch)

    def fields(self, epoch: int, batch: int | None, session: Any) -> dict[str, int]:
        """The fields of a file's name that say when it was written, without those not known.

        Args:
            epoch: counted from 0.
            batch: how many batches of it are done.
            session: the session that calls the hooks; it knows the step.
        """
        known = {"epoch": epoch + 1, "batch": batch}
        if session is not None:
            known["step"] = session.progress.step
        return {name: number for name, number in known.items() if number is not None}

    def name(self, epoch: int, callback: Any) -> str:
        """What callbacks print of the epoch, or of the step."""
        if decides(callback, "epochs") or callback._session is None:
            return place(callback, epoch)
        return place(callback, callback._session.progress.step)

    def note(self, callback: Any, epoch: int, what: str, why: str, value: float | None) -> None:
        """Keep a decision of `callback`: of the epoch, or of the step within it."""
        session = callback._session
        at_step = self._batches is not None or not decides(callback, "epochs")
        if at_step and session is not None:
            note(callback, what, why, value=value, step=session.progress.step)
        else:
            note(callback, what, why, value=value, epoch=epoch)

    def batches(self, session: Any) -> int | None:
        """How many of its batches are done; None if no hook said it."""
        return self._batches if _is_over(session) else int(session.progress.batch)


def _is_over(session: Any) -> bool:
    """Whether no session calls the hooks: there is none, or only one that has ended."""
    return session is None or session.outcome is not None
