"""The `logs` of a hook: a real dict whose numbers stay on the device until one is read.

A step leaves its loss and metrics as tensors. Turning them into floats waits for the device,
so it is done only when somebody reads one, once for all of them. Whoever keeps the dict and
reads it later sees the values of its own batch.
"""

from collections.abc import Callable, ItemsView, Iterator, Sequence, ValuesView
from typing import Any

from onfit.core.aliases import AliasDict

Fetch = Callable[[], Sequence[float]]
FetchOne = Callable[[int], float]
_Deferred = tuple[Sequence[str], Fetch]

# What a slot holds until it is fetched. No method of Logs ever lets it out.
_PENDING: Any = object()


class Logs(AliasDict):
    """A mutable dict of floats, some of which may still be on their way.

    Reading a pending value fetches all of them, each group once. Reading one that is there
    (such as `size`), writing, `in`, `len` and `keys` fetch nothing. Keys are found by their
    aliases too (`logs["acc"]`).

    CPython reads a plain dict's slots directly in `dict(x)`, `{**x}`, `f(**x)`, `x | y` and
    `json.dumps`. Overriding `__iter__` switches that off, so every road leads through here.

    >>> logs = Logs(batch=0)
    >>> logs.defer(["loss"], lambda: [0.25])
    >>> dict(logs)
    {'batch': 0, 'loss': 0.25}
    """

    # On the class, so that logs which nobody reads are made as fast as a dict.
    _fetches: tuple[_Deferred, ...] = ()
    _so_far: "Callable[[], Logs] | None" = None

    def defer(self, names: Sequence[str], fetch: Fetch) -> None:
        """Add values that are brought when one is read.

        Args:
            names: their names.
            fetch: brings all of them, in the same order. It may have an attribute `one`: a
                function that brings the one at an index, where that is cheaper.
        """
        dict.update(self, dict.fromkeys(names, _PENDING))
        self._fetches += ((names, fetch),)

    @property
    def so_far(self) -> "Logs":
        """The means of the epoch up to now; the logs themselves where nobody keeps any."""
        return self if self._so_far is None else self._so_far()

    def keep_means(self, means: "Callable[[], Logs]") -> None:
        """Say where `so_far` comes from."""
        self._so_far = means

    def _settle(self) -> None:
        while self._fetches:
            (names, fetch), *rest = self._fetches
            values = fetch()  # may raise; then it is still to be done
            self._fetches = tuple(rest)
            for name, value in zip(names, values, strict=True):
                # A key that was written or deleted in the meantime stays as it is.
                if dict.get(self, name) is _PENDING:
                    dict.__setitem__(self, name, value)

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if value is _PENDING:
            self._settle_one(name)
            value = super().__getitem__(name)
        return value

    def _settle_one(self, name: str) -> None:
        """Bring the value of `name`, and others only where they come along."""
        for names, fetch in self._fetches:
            one: FetchOne | None = getattr(fetch, "one", None)
            if one is not None and name in names:
                dict.__setitem__(self, name, one(names.index(name)))
                return
        self._settle()

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()

    # typeshed wants dict's own views here, which have no public name.
    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        self._settle()
        return super().items()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        self._settle()
        return super().values()

    def pop(self, *args: Any) -> Any:
        self._settle()
        return super().pop(*args)

    def popitem(self) -> tuple[str, Any]:
        self._settle()
        return super().popitem()

    def setdefault(self, name: str, default: Any = None) -> Any:
        self._settle()
        return super().setdefault(name, default)

    def copy(self) -> "Logs":
        return Logs(self.items())

    def __or__(self, other: Any) -> Any:
        return dict(self) | other

    def __ror__(self, other: Any) -> Any:
        return other | dict(self)

    def __eq__(self, other: object) -> bool:
        self._settle()
        if isinstance(other, Logs):
            other._settle()
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:  # dict has one of its own, which reads raw slots
        return not self == other

    def __repr__(self) -> str:
        self._settle()
        return super().__repr__()

    # Copies and pickles are plain: they outlive the run that could still fetch.
    def __reduce__(self) -> tuple[Any, ...]:
        return (Logs, (dict(self),))

    def __copy__(self) -> "Logs":
        return self.copy()
