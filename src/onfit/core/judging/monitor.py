"""What a callback watches: a quantity in the logs."""

from typing import Any

from onfit.core.aliases import find, validation_hint
from onfit.core.packages.plain import text_of
from onfit.errors import ArgumentError, MissingMetricError, did_you_mean, warn

_ON_MISSING = ("warn", "raise")


class Monitor:
    """Reads a quantity from the logs; warns once, or raises, if no quantity has that name.

    Args:
        name: the name as the user wrote it; `acc` finds `accuracy`.
        owner: the name of the callback that watches, for messages.
        on_missing: `"warn"` (once) or `"raise"`.
    """

    def __init__(self, name: str, owner: str, on_missing: str = "warn") -> None:
        if on_missing not in _ON_MISSING:
            raise ArgumentError(
                f"{owner}(on_missing={on_missing!r}): on_missing is 'warn' or 'raise'."
                f"{did_you_mean(on_missing, _ON_MISSING)}"
            )
        if not isinstance(name, str):
            raise ArgumentError(
                f"{owner}(monitor={name!r}): monitor is the name of one logged quantity, "
                "such as 'val_loss'."
            )
        self.name = name
        self.owner = owner
        self.on_missing = on_missing
        self._warned = False

    def reset(self) -> None:
        """A new run starts, so a missing name leads to a warning again."""
        self._warned = False

    def read(self, logs: dict[str, Any], params: dict[str, Any]) -> float | None:
        """The quantity as a float; None if this epoch has none.

        Raises:
            MissingMetricError: with `on_missing="raise"`, at the first epoch that could have
                had it.
        """
        found = find(self.name, logs)
        if found is not None:
            value = _as_float(logs[found])
            if value is not None:
                return value
            text = text_of(logs[found], repr)
            self._complain(f"is {text}, which is not one number", logs)
        elif not self._comes_with_a_later_validation(logs, params):
            self._complain("is not in the logs", logs)
        return None

    def _comes_with_a_later_validation(self, logs: dict[str, Any], params: dict[str, Any]) -> bool:
        """Whether a later validation may bring the name: it is a `val_` name, in an epoch without
        validation (because of `validation_freq`, or a stop).
        """
        validated = any(name.startswith("val_") for name in logs)
        return self.name.startswith("val_") and not validated and bool(params.get("do_validation"))

    def _complain(self, problem: str, logs: dict[str, Any]) -> None:
        text = (
            f"{self.owner} monitors {self.name!r}, which {problem}. "
            f"There are: {', '.join(sorted(map(str, logs))) or 'none'}."
            f"{did_you_mean(self.name, logs)}{validation_hint(self.name, logs)}"
        )
        if self.on_missing == "raise":
            raise MissingMetricError(text)
        if not self._warned:
            self._warned = True
            warn(text)


def _as_float(value: Any) -> float | None:
    try:
        return float(value)
    except Exception:  # whatever a user logs: what is no number is said to be none
        return None
