"""What the boosters have in common: a training of rounds, each of which adds to the model."""

from typing import Any

from onfit.errors import CapabilityError
from onfit.integrations.faces.booster import BoostedModel
from onfit.integrations.hosting.callback import Hosting


class Boosting(Hosting):
    """The part of each booster's `OnfitCallback` that pushes rounds into a session."""

    def begin_rounds(self, model: BoostedModel, first: int, epochs: int = 0) -> None:
        """Training begins with the round of index `first`; `epochs` is 0 if no number is known."""
        self.begin(
            model,
            epochs=max(epochs, first),
            initial_epoch=first,
            params={"epochs": epochs, "steps": 1},
        )

    def begin_round(self) -> bool:
        """A round begins. Returns whether training has to stop."""
        session = self.session
        if not session.stopping:
            session.epoch_begin()
        if not session.stopping:
            session.batch_begin()
        return bool(session.stopping)

    def end_round(self, logs: dict[str, Any]) -> bool:
        """A round is over. Returns whether training has to stop."""
        self.session.batch_end()
        return bool(self.session.epoch_over(logs))


def refuse_folds(library: str) -> CapabilityError:
    """The error for a cross-validation, which trains several boosters at once."""
    return CapabilityError(
        f"OnfitCallback follows one booster, and {library}.cv trains one for each fold. Hand it to "
        f"{library}.train for each fold, with callbacks of its own."
    )
