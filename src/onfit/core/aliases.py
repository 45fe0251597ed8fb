"""One quantity, several names: `acc` and `accuracy`, `lr` and `learning_rate`.

Aliases are for reading only. A value keeps the name under which it was written, and an exact
name always wins.
"""

from collections.abc import Container, Iterator
from typing import Any

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


def other_names(name: str) -> Iterator[str]:
    """The other spellings of `name`, behind any prefix such as `val_` or an output's name.

    >>> list(other_names("val_acc"))
    ['val_accuracy']
    """
    starts = [0, *(index + 1 for index, letter in enumerate(name) if letter == "_")]
    for start in starts:
        tail = name[start:]
        if tail in SYNONYMS:
            yield from (name[:start] + other for other in SYNONYMS[tail] if other != tail)
            return


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
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        if dict.__contains__(self, name):
            return True
        return isinstance(name, str) and any(
            dict.__contains__(self, other) for other in other_names(name)
        )

    def get(self, name: str, default: Any = None) -> Any:
        """The value under `name` or another spelling of it; `default` if there is none."""
        try:
            return self[name]
        except KeyError:
            return default
