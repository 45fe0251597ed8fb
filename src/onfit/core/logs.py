"""The `logs` of a hook: a real dict whose numbers stay on the device until one is read.

A step leaves its loss and metrics as tensors. Turning them into floats waits for the device,
so it is done only when somebody reads one, once for all of them. Whoever keeps the dict and
reads it later sees the values of its own batch.
"""

from collections.abc import Callable, ItemsView, Iterator, Sequence, ValuesView
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from onfit.core.aliases import AliasDict

if TYPE_CHECKING:
    from onfit.core.meter import Meter

Fetch = Callable[[], Sequence[float]]
_Deferred = tuple[Sequence[str], Fetch]

# What a slot holds until it is fetched. No method of Logs ever lets it out.
_PENDING: Any = object()

_Method = TypeVar("_Method", bound=Callable[..., Any])


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

    _fetches: tuple[_Deferred, ...] = ()

    @staticmethod
    def of_epoch(meter: "Meter") -> "Logs":
        """The means that `meter` has found since its last reset."""
        logs = Logs()
        meter.report_epoch(logs)
        return logs

    @property
    def so_far(self) -> "Logs":
        """The means of the epoch up to now; the logs themselves where nobody measures any."""
        return self

    def defer(self, names: Sequence[str], fetch: Fetch) -> None:
        """Add values that are brought when one is read.

        Args:
            names: their names.
            fetch: brings all of them, in the same order.
        """
        dict.update(self, dict.fromkeys(names, _PENDING))
        self._fetches += ((names, fetch),)

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
        """A copy that fetches nothing before one of its own values is read; until then it holds
        what is still on the device.
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


def _opened(method: _Method) -> _Method:
    """`method` of logs that are open."""

    @wraps(method)
    def opening(self: "BatchLogs", *args: Any, **values: Any) -> Any:
        self._open()
        return method(self, *args, **values)

    return opening  # type: ignore[return-value]


class BatchLogs(Logs):
    """The logs of a batch: made at every batch, and looked into at few.

    So they begin closed, with the batch's index and size, and the loss if that is a number already,
    and open when somebody looks for more: then they have a key for each value that was measured.

    Args:
        batch: its index in the epoch.
        size: how many samples it has.
    """

    # Slots, since to fill those is faster than to make an instance its dict.
    __slots__ = ("_latest", "_meter")

    _meter: "Meter"
    _latest: Any  # what the meter kept of the batch; None once these are open

    @classmethod
    def of(cls, meter: "Meter", batch: int, size: int) -> "BatchLogs":
        """The logs of the batch that `meter` measured last."""
        loss = meter.loss
        if loss is None:
            logs = cls(batch=batch, size=size)
        else:
            logs = cls(batch=batch, size=size, loss=loss)
        logs._meter = meter
        logs._latest = meter.latest
        return logs

    @property
    def so_far(self) -> Logs:
        return Logs.of_epoch(self._meter)

    def _open(self) -> None:
        self.__class__ = _OpenBatchLogs
        latest, self._latest = self._latest, None
        if latest is not None:
            self._meter.report_batch(self, latest)

    # A closed dict holds nothing that is on its way, so that what it holds is read as fast as from
    # any dict.
    __getitem__ = dict.__getitem__

    def __missing__(self, name: str) -> Any:
        self._open()
        return self[name]

    def __bool__(self) -> bool:  # by itself it would ask for the length
        return True

    defer = _opened(Logs.defer)
    _settle = _opened(Logs._settle)
    keys = _opened(Logs.keys)
    clear = _opened(Logs.clear)
    unread = _opened(Logs.unread)
    update = _opened(Logs.update)
    __contains__ = _opened(Logs.__contains__)
    __delitem__ = _opened(Logs.__delitem__)
    __ior__ = _opened(Logs.__ior__)
    __iter__ = _opened(Logs.__iter__)
    __len__ = _opened(Logs.__len__)
    __reversed__ = _opened(Logs.__reversed__)
    __setitem__ = _opened(Logs.__setitem__)


class _OpenBatchLogs(BatchLogs):
    """What the logs of a batch become when they are opened: logs like all others."""

    __slots__ = ()

    def _open(self) -> None:
        """They are."""

    __getitem__ = Logs.__getitem__
    __missing__ = Logs.__missing__

    def __bool__(self) -> bool:
        return dict.__len__(self) > 0
