"""One quantity, several names: `acc` and `accuracy`, `lr` and `learning_rate`.

Aliases are for reading only. A value keeps the name under which it was written, and an exact
name always wins.
"""

from collections.abc import Container, Iterable
from functools import lru_cache
from typing import Any

from onfit.errors import MissingMetricError, did_you_mean

_GROUPS = (
    ("acc", "accuracy"),
    ("lr", "learning_rate"),
    ("mse", "MSE", "mean_squared_error"),
    ("mae", "MAE", "mean_absolute_error"),
    ("mape", "MAPE", "mean_absolute_percentage_error"),
    ("msle", "MSLE", "mean_squared_logarithmic_error"),
    ("bce", "BCE", "binary_crossentropy"),
    ("kld", "KLD", "kl_divergence", "kullback_leibler_divergence"),
    ("cosine_similarity", "cosine_proximity", "cosine"),
    ("log_cosh", "logcosh"),
    ("f1", "f1_score"),
)
SYNONYMS = {name: group for group in _GROUPS for name in group}


@lru_cache(maxsize=1024)  # callbacks ask for the same names at every epoch
def other_names(name: str) -> tuple[str, ...]:
    """The other spellings of `name`, behind any prefix such as `val_` or an output's name.

    >>> other_names("val_acc")
    ('val_accuracy',)
    """
    starts = [0, *(index + 1 for index, letter in enumerate(name) if letter == "_")]
    for start in starts:
        tail = name[start:]
        if tail in SYNONYMS:
            return tuple(name[:start] + other for other in SYNONYMS[tail] if other != tail)
    return ()


def find(name: str, names: Container[str]) -> str | None:
    """The key in `names` that is `name` or another spelling of it; None if there is none."""
    if isinstance(names, AliasDict):
        names = names.keys()  # the dict itself would find every spelling, not only exact names
    if name in names:
        return name
    return next((other for other in other_names(name) if other in names), None)


class AliasDict(dict[str, Any]):
    """A dict whose keys are also found by their other names, in `[]`, `get` and `in`.

    >>> AliasDict(accuracy=0.9)["acc"]
    0.9
    """

    def __missing__(self, name: str) -> Any:
        for other in other_names(name) if isinstance(name, str) else ():
            if dict.__contains__(self, other):
                return self[other]
        raise MissingMetricError(_missing(name, self))

    def __contains__(self, name: object) -> bool:
        if dict.__contains__(self, name):
            return True
        return isinstance(name, str) and any(
            dict.__contains__(self, other) for other in other_names(name)
        )

    def get(self, name: str, default: Any = None) -> Any:
        """The value under `name` or another spelling of it; `default` if there is none."""
        if dict.__contains__(self, name):
            return self[name]
        key = find(name, self.keys()) if isinstance(name, str) else None
        return default if key is None else self[key]


def validation_hint(name: str, names: Iterable[object]) -> str:
    """How to have `val_` values, if `name` is one and none of `names` is; else empty."""
    if name.startswith("val_") and not any(str(other).startswith("val_") for other in names):
        return " A validation gives val_ values: in fit, validation_data= or validation_split=."
    return ""


def _missing(name: object, names: Iterable[object]) -> str:
    known = sorted(map(str, names))
    hint = validation_hint(str(name), known) or did_you_mean(name, known)
    return (
        f"{name!r} was asked for, and nothing is logged under that name. "
        f"There are: {', '.join(known) or 'none'}.{hint}"
    )
