"""The `logs` of a hook: a real dict whose numbers stay on the device until one is read.

A step leaves its loss and metrics as tensors. Turning tensors into floats means waiting for the
device. So the logs do it only when a callback reads a value, and then for all values at once. A
callback that keeps the dict and reads it later sees the values of that batch.
"""

from collections.abc import Callable, ItemsView, Iterator, Sequence, ValuesView
from typing import TYPE_CHECKING, Any

from onfit.core.aliases import AliasDict

if TYPE_CHECKING:
    from onfit.core.meter import Meter

Fetch = Callable[..., Sequence[float]]
_Deferred = tuple[Sequence[str], Fetch, tuple[Any, ...]]

# What the dict holds for a value that is not fetched yet. No method of Logs returns it.
_PENDING: Any = object()


class Logs(AliasDict):
    """A mutable dict of floats, some of which may still be on the device.

    Reading a value that is not fetched yet fetches all such values, each group once. Reading
    another value (such as `size`), writing, `in`, `len` and `keys` fetch nothing. Keys are found
    by their aliases too (`logs["acc"]`).

    CPython reads a plain dict's slots directly in `dict(x)`, `{**x}`, `f(**x)`, `x | y` and
    `json.dumps`. This class overrides `__iter__`, so that they call its methods instead.

    >>> logs = Logs(batch=0)
    >>> logs.defer(["loss"], lambda: [0.25])
    >>> dict(logs)
    {'batch': 0, 'loss': 0.25}
    """

    _fetches: tuple[_Deferred, ...] = ()
    _meter: "Meter | None" = None

    @staticmethod
    def of_batch(meter: "Meter", batch: int, size: int) -> "Logs":
        """The logs of the batch that `meter` measured last.

        Args:
            meter: what measured the batch.
            batch: the index of the batch.
            size: how many samples it has; used if the meter does not know.
        """
        logs = Logs(batch=batch, size=meter.size or size)
        logs._meter = meter
        meter.report_batch(logs)
        return logs

    @staticmethod
    def of_epoch(meter: "Meter") -> "Logs":
        """The logs of an epoch: the means of `meter` since its last reset."""
        logs = Logs()
        meter.report_epoch(logs)
        return logs

    @property
    def so_far(self) -> "Logs":
        """The means of the epoch so far; these logs themselves if they come from no meter."""
        return self if self._meter is None else Logs.of_epoch(self._meter)

    def defer(self, names: Sequence[str], fetch: Fetch, *args: Any) -> None:
        """Add values that are fetched when one of them is read.

        Args:
            names: their names.
            fetch: returns all of them, in the same order.
            *args: what it is called with.
        """
        dict.update(self, dict.fromkeys(names, _PENDING))
        self._fetches += ((names, fetch, args),)

    def _settle(self) -> None:
        while self._fetches:
            (names, fetch, args), *rest = self._fetches
            values = fetch(*args)  # if this raises, the next read tries again
            self._fetches = tuple(rest)
            for name, value in zip(names, values, strict=True):
                # A key that a callback wrote or deleted in the meantime stays as it is.
                if dict.get(self, name) is _PENDING:
                    dict.__setitem__(self, name, value)

    def __getitem__(self, name: str) -> Any:
        value = dict.__getitem__(self, name)
        if value is _PENDING:
            self._settle()
            value = dict.__getitem__(self, name)
        return value

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

    def unread(self) -> "Logs":
        """A copy that fetches only when one of its own values is read. Until then it keeps the
        tensors on the device.
        """
        copied = Logs()
        dict.update(copied, dict.items(self))
        copied._fetches = self._fetches
        return copied

    def __or__(self, other: Any) -> Any:
        return dict(self) | other

    def __ror__(self, other: Any) -> Any:
        return other | dict(self)

    def __eq__(self, other: object) -> bool:
        self._settle()
        if isinstance(other, Logs):
            other._settle()
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:  # dict's own would compare values not yet fetched
        return not self == other

    def __repr__(self) -> str:
        self._settle()
        return super().__repr__()

    # A copy or a pickle holds fetched values, since it may outlive the run that can fetch them.
    def __reduce__(self) -> tuple[Any, ...]:
        return (Logs, (dict(self),))

    def __copy__(self) -> "Logs":
        return self.copy()
