"""What callbacks see of a booster of LightGBM."""

import re
from typing import ClassVar

from lightgbm import Booster

from onfit.core.faces import HasLearningRate
from onfit.errors import CapabilityError
from onfit.integrations.faces.booster import BoostedModel, is_of
from onfit.integrations.hosting.sessions import Hosted

_NO_WAY_BACK = (
    "a callback sets the learning rate to {0}, and LightGBM would end the process: with "
    "data_sample_strategy='goss' it samples from round 1 / learning_rate on, and cannot go back to "
    "all rows. Choose a higher rate, another strategy, or leave the callback out."
)


class LightGBMRate:
    """A booster's learning rate."""

    def __init__(self, booster: Booster, first: float, goss: bool) -> None:
        self._booster, self._first, self._goss = booster, first, goss
        self._before = booster.current_iteration() - 1  # rounds before the first of this training
        self._asked: float | None = first  # for the first round; None once that is told

    @property
    def learning_rate(self) -> float:
        """The rate of the next round."""
        if self._asked is not None:
            return self._asked
        return float(self._booster.params.get("learning_rate", self._first))

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if self._asked is not None:
            self._asked = value
            return
        done = self._booster.current_iteration() - self._before
        if self._goss and value > 0 and int(1 / self.learning_rate) < done < int(1 / value):
            raise CapabilityError(_NO_WAY_BACK.format(value))
        self._booster.reset_parameter({"learning_rate": value})

    def allow(self, session: Hosted) -> None:
        """The first round has begun, for the callbacks. From now on they may set the rate."""
        asked, self._asked = self._asked, None
        if asked != self._first:
            error = CapabilityError(
                f"a callback sets the learning rate of the first round to {asked}, and LightGBM "
                f"has built it with {self._first}: it calls callbacks after a round only. Write "
                f"learning_rate={asked} into the parameters, too."
            )
            session.train_end(error)
            raise error


class LightGBMModel(BoostedModel):
    """A booster of LightGBM."""

    suffixes = (".txt", ".model")
    is_trained = True  # whether rounds are added to it
    hints_for_callbacks: ClassVar = {
        **BoostedModel.hints_for_callbacks,
        HasLearningRate: "A random forest has no learning rate: leave the callback out.",
    }

    def __init__(self, booster: Booster, up: dict[str, bool]) -> None:
        first = booster.model_to_string(num_iteration=1)
        found = dict(
            re.findall(
                r"^\[(boosting|learning_rate|data_sample_strategy): (.*)\]$", first, re.MULTILINE
            )
        )
        rated = found.get("boosting") != "rf"  # a random forest has no rate
        goss = "goss" in (found.get("boosting"), found.get("data_sample_strategy"))
        value = float(found.get("learning_rate", 0.1))
        rate = LightGBMRate(booster, value, goss) if rated else None
        super().__init__(booster, rate)
        self.only_adds = found.get("boosting") != "dart"
        self._up = up

    @property
    def rounds(self) -> int:
        return int(self.booster.current_iteration())

    def as_bytes(self, suffix: str) -> bytes:
        return bytes(self.booster.model_to_string(num_iteration=-1), "utf-8")

    def load(self, content: bytes) -> None:
        self.booster.model_from_string(content.decode())

    def cut(self, rounds: int) -> None:
        for _ in range(self.rounds - rounds):
            self.booster.rollback_one_iter()

    def check_that_it_can_load(self) -> None:
        """Raise a CapabilityError while rounds are added: they need what the booster has of the
        training data, and another model has nothing of them.
        """
        if self.is_trained:
            raise CapabilityError(
                "a callback loads a model in mid-training, and LightGBM cannot go on with that. To "
                "begin with a model, pass its file: lightgbm.train(..., init_model='last.txt') or "
                "fit(..., init_model='last.txt')."
            )

    def metric_direction(self, name: str) -> str | None:
        """Whether a metric should grow or shrink."""
        found = max((metric for metric in self._up if is_of(metric, name)), key=len, default=None)
        return None if found is None else "max" if self._up[found] else "min"
