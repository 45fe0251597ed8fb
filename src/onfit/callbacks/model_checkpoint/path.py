"""The path of the next checkpoint, filled from the logs, or a message about what is missing."""

from collections.abc import Iterable, Mapping
from typing import Any

from onfit.callbacks.model_checkpoint.name import OWN_FIELDS, CheckpointName
from onfit.core.aliases import validation_hint
from onfit.errors import MissingMetricError, did_you_mean, warn

Values = dict[str, Any]


class CheckpointPath:
    """Fills a `CheckpointName` epoch after epoch, and warns once about a field that it cannot fill.

    Args:
        name: the name with its fields.
        owner: the name of the callback, for messages.

    Attributes:
        named_once: whether the logs have filled the name at least once. A field that is missing
            after that leads to a warning; a field that is missing before is an error.
    """

    def __init__(self, name: CheckpointName, owner: str) -> None:
        self._name = name
        self._asked = f"{owner}(filepath={name.template!r})"
        self.reset()

    def reset(self) -> None:
        """A new run starts, so every warning may come again."""
        self.named_once = False
        self._warned_of: set[str] = set()

    def of(self, places: Mapping[str, int], logs: Values, params: Values) -> str | None:
        """The path; None if this epoch cannot fill the name.

        Args:
            places: the values of the fields that say when the file was written.
            logs: the values for the fields.
            params: the facts of the run.

        Raises:
            MissingMetricError: if the name was never filled yet, and a field is missing that no
                later validation can fill.
        """
        if not self._name.fields:
            return self._name.fill({})
        values = {**logs, **places}
        missing = self._name.missing(values)
        if not missing:
            self.named_once = True
            return self._name.fill(values)
        if not self.named_once and not _may_come_later(missing, logs, params):
            raise MissingMetricError(self._lacks(missing[0], values))
        self._warn_once(f"{self._lacks(missing[0], values)} Nothing is saved where it is missing.")
        return None

    def warn_of_likely_misspelling(self, params: Values) -> None:
        """Warn, before the first epoch, about a field whose name is close to a known metric's.

        This is no error, since another callback may log the field.
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
        hint = validation_hint(field, names) or did_you_mean(field, names)
        return (
            f"{self._asked} names {{{field}}}, which is not in the logs. "
            f"There are: {', '.join(names)}.{hint}"
        )

    def _warn_once(self, text: str) -> None:
        kind = text.partition(" There are: ")[0]
        if kind not in self._warned_of:
            self._warned_of.add(kind)
            warn(text)


def _may_come_later(missing: list[str], logs: Values, params: Values) -> bool:
    """Whether only `val_` logs are missing, and a later epoch may bring them: this run validates,
    but this epoch had no validation.
    """
    validated = any(name.startswith("val_") for name in logs)
    never_validates = params.get("metrics") and not params.get("do_validation")
    return (
        all(name.startswith("val_") for name in missing) and not validated and not never_validates
    )
