"""The path of the next checkpoint, filled from the logs, or a clear word about what is missing."""

import warnings
from collections.abc import Iterable
from typing import Any

from onfit.callbacks.model_checkpoint.name import OWN_FIELDS, CheckpointName
from onfit.errors import MissingMetricError, OnfitWarning, did_you_mean

Values = dict[str, Any]


class CheckpointPath:
    """Fills a `CheckpointName` epoch after epoch, and complains once of what it cannot fill.

    Args:
        name: the name with its fields.
        owner: the name of the callback, for messages.

    Attributes:
        named_once: whether the logs have ever filled the name. What is missing after that is
            passed over; what is missing at first is an error.
    """

    def __init__(self, name: CheckpointName, owner: str) -> None:
        self._name = name
        self._asked = f"{owner}(filepath={name.template!r})"
        self.reset()

    def reset(self) -> None:
        """A new run starts: everything is worth a word again."""
        self.named_once = False
        self._warned_of: set[str] = set()

    def of(self, epoch: int, batch: int | None, logs: Values, params: Values) -> str | None:
        """The path; None if this epoch cannot fill the name.

        Args:
            epoch: counted from 0.
            batch: how many batches of it are done; None if nobody counts.
            logs: what there is to fill in.
            params: the facts of the run.

        Raises:
            MissingMetricError: if the very first time something is missing that no later
                validation can bring.
        """
        if not self._name.fields:
            return self._name.fill({})
        values = {**logs, "epoch": epoch + 1}
        if batch is not None:
            values["batch"] = batch
        missing = self._name.missing(values)
        if not missing:
            self.named_once = True
            return self._name.fill(values)
        if not self.named_once and not _may_come_later(missing, logs, params):
            raise MissingMetricError(self._lacks(missing[0], values))
        self._warn_once(f"{self._lacks(missing[0], values)} Nothing is saved where it is missing.")
        return None

    def warn_of_likely_misspelling(self, params: Values) -> None:
        """A field close to a known metric is told before the first epoch is spent on it.

        It is not refused: another callback may log it.
        """
        metrics = params.get("metrics") or []
        names = [*metrics, *(f"val_{name}" for name in metrics), *OWN_FIELDS, "learning_rate"]
        for field in self._name.missing(names) if metrics else ():
            if field.startswith("val_") and not params.get("do_validation"):
                self._warn_once(self._lacks(field, metrics))
                continue
            near = did_you_mean(field.removeprefix("val_"), [*metrics, *OWN_FIELDS])
            if near:
                self._warn_once(
                    f"{self._asked} names {{{field}}}, and no metric is called so.{near} Unless "
                    "a callback logs it, training will end with an error at the first save."
                )

    def _lacks(self, field: str, values: Iterable[str]) -> str:
        names = sorted(values)
        hint = did_you_mean(field, names)
        if field.startswith("val_") and not any(name.startswith("val_") for name in names):
            hint = " Pass validation_data= or validation_split= to fit to have val_ values."
        return (
            f"{self._asked} names {{{field}}}, which is not in the logs. "
            f"There are: {', '.join(names)}.{hint}"
        )

    def _warn_once(self, text: str) -> None:
        kind = text.partition(" There are: ")[0]
        if kind not in self._warned_of:
            self._warned_of.add(kind)
            warnings.warn(text, OnfitWarning, stacklevel=3)


def _may_come_later(missing: list[str], logs: Values, params: Values) -> bool:
    """Whether all that is missing are `val_` logs, in an epoch that had no validation."""
    validated = any(name.startswith("val_") for name in logs)
    never_validates = params.get("metrics") and not params.get("do_validation")
    return (
        all(name.startswith("val_") for name in missing) and not validated and not never_validates
    )
