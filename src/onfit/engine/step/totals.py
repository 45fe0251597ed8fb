"""What a step measures. The values stay on their device until a callback reads them, and are then
fetched all at once. On the CPU, scalars become numbers at once.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from operator import mul
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from onfit.core.logs import Fetch, Logs
from onfit.engine.placing import sent
from onfit.engine.step.sums import Sums, means_over, merged
from onfit.errors import FileFormatError
from onfit.metrics import StatefulMetric
from onfit.metrics.arithmetic import wide

# After this many batches their values are added up: seldom enough to cost nothing, often enough
# that a long epoch takes no memory.
_FOLD_EVERY = 512


class Later(Protocol):
    """A batch's value that is computed when it is needed: a bool for each sample."""

    def measured(self) -> Tensor:
        """The bools."""

    def joined(self, batches: Sequence[Any]) -> Tensor:
        """The bools of all samples of `batches`, of which this is one. Each is a tensor of bools,
        or computed later.
        """


# A batch's value: a number, a scalar on its device, or a bool for each sample, now or later.
Value = float | Tensor | Later


class Totals:
    """Loss and metrics over batches: sample-weighted means.

    A `Meter`.

    Args:
        names: what is measured.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.reset()

    def reset(self) -> None:
        self._values: list[Sequence[Value]] = []
        self._sizes: list[int] = []
        self._latest: Sequence[Value] | None = None
        self.size: int | None = None
        self._sums: Tensor | None = None
        self._count = 0

    def add(self, values: Sequence[Value], size: int) -> None:
        """Count a batch.

        Args:
            values: for each name a scalar, or a bool for each sample, now or later. The first is
                the loss, a scalar.
            size: how many samples it had.
        """
        values = [_kept(value) for value in values]
        self._values.append(values)
        self._sizes.append(size)
        self._latest, self.size = values, size
        if len(self._sizes) >= _FOLD_EVERY:
            self._fold()

    def report_batch(self, logs: Logs) -> None:
        latest = self._latest
        if latest is None:
            return
        logs.defer(self.names, _numbers, latest)
        loss = latest[0]
        if type(loss) is float:  # so that to read it does not measure the rest
            logs[self.names[0]] = loss

    def report_epoch(self, logs: Logs, prefix: str = "") -> None:
        # A snapshot, which is added up when it is read. Sums are replaced, never changed, so later
        # batches do not change it.
        batches = _Measured(list(self._values), list(self._sizes), self._sums, self._count)
        if batches.sizes or batches.samples:
            names = [prefix + name for name in self.names]
            logs.defer(names, self._all(batches.means))

    def state_dict(self) -> dict[str, Any]:
        """What was measured since the last reset. Batches that are not added up yet are kept as
        they are, so that a resumed epoch adds up in the same order, to the last bit.
        """
        return {
            "names": self.names,
            "sums": self._sums,
            "count": self._count,
            "values": [measured(values) for values in self._values],
            "sizes": list(self._sizes),
            "stateful": {},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there.

        Raises:
            FileFormatError: in the middle of an epoch in which something else was measured.
        """
        if state["names"] != self.names and (state["count"] or state["sizes"]):
            raise FileFormatError(
                "this run cannot go on in the middle of an epoch that measured other metrics.\n"
                f"  the checkpoint has: {', '.join(state['names'])}\n"
                f"  this run has:       {', '.join(self.names)}\n"
                "Compile the model as it was, or give this run another folder."
            )
        self._sums, self._count = state["sums"], state["count"]
        self._values, self._sizes = list(state["values"]), list(state["sizes"])
        self._latest = self._values[-1] if self._values else None

    def sums(self) -> Sums:
        """What was measured since the last reset, for the other processes."""
        if not self._sizes and not self._count:
            return Sums(None, 0, self._states())
        sums, count = _Measured(self._values, self._sizes, self._sums, self._count).folded()
        return Sums(sums.tolist(), count, self._states())

    def report_sums(self, logs: Logs, each: Sequence[Sums]) -> None:
        logs.update(zip(self.names, means_over(each), strict=False))

    def merged_state(self, states: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return merged(states)

    def _states(self) -> dict[str, Any]:
        return {}  # of metrics that keep one, by name

    def _all(self, means: Fetch) -> Fetch:
        """What fetches the values of all names, given what fetches the means."""
        return means

    def _fold(self) -> None:
        self._sums, self._count = _Measured(
            self._values, self._sizes, self._sums, self._count
        ).folded()
        self._values, self._sizes = [], []


class StatefulTotals(Totals):
    """Totals some of which are metrics that keep a state.

    Args:
        names: what is measured.
        stateful: the metrics among them that keep a state, by name; `add` gets the values of the
            others.
    """

    def __init__(self, names: Sequence[str], stateful: dict[str, StatefulMetric]) -> None:
        self._stateful = stateful
        self._means = [name for name in names if name not in stateful]
        super().__init__(names)

    def reset(self) -> None:
        super().reset()
        for metric in self._stateful.values():
            metric.reset()

    def report_batch(self, logs: Logs) -> None:
        if self._latest is not None:
            # Now: the metrics take in further batches, and the logs stay those of this one.
            logs.defer(self.names, self._all(partial(_numbers, self._latest)))

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "stateful": self._states()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        for name, metric in self._stateful.items():
            if name in state["stateful"]:
                metric.load_state_dict(state["stateful"][name])

    def _states(self) -> dict[str, Any]:
        return {name: metric.state_dict() for name, metric in self._stateful.items()}

    def report_sums(self, logs: Logs, each: Sequence[Sums]) -> None:
        found = dict(zip(self._means, means_over(each), strict=False))
        for name, metric in self._stateful.items() if found else ():
            found[name] = metric.value_of_all([one.states[name] for one in each])
        logs.update({name: found[name] for name in self.names if name in found})

    def merged_state(self, states: Sequence[dict[str, Any]]) -> dict[str, Any]:
        each = {name: [one["stateful"][name] for one in states] for name in self._stateful}
        stateful = {name: self._stateful[name].merged_state(some) for name, some in each.items()}
        return {**super().merged_state(states), "stateful": stateful}

    def _all(self, means: Fetch) -> Fetch:
        """Means, and the values that the metrics with a state have now."""
        results = {name: metric.later() for name, metric in self._stateful.items()}

        def fetch() -> list[float]:
            found = dict(zip(self._means, means(), strict=True))
            found |= {name: float(result()) for name, result in results.items()}
            return [found[name] for name in self.names]

        return fetch


class _Measured(NamedTuple):
    """The values of batches: the first ones are added up already, the others are as they were.

    Attributes:
        values: of each batch that is not added up yet.
        sizes: how many samples each of those batches had.
        sums: of the values of the batches that are added up, each times its samples.
        samples: how many samples the batches that are added up had.
    """

    values: list[Sequence[Value]]
    sizes: list[int]
    sums: Tensor | None
    samples: int

    def means(self) -> list[float]:
        """The means over all samples."""
        if self.sums is None and len(self.sizes) == 1:
            return _numbers(self.values[0])
        sums, count = self.folded()
        found: list[float] = (sums / count).tolist()
        return found

    def folded(self) -> tuple[Tensor, int]:
        """The sums over all batches, and how many samples these had."""
        if not self.values:
            assert self.sums is not None
            return self.sums, self.samples
        columns = zip(*self.values, strict=True)
        each = [_sum_over_samples(column, self.sizes) for column in columns]
        kind = each[0] if self.sums is None else self.sums  # values may be on several devices
        sums = torch.stack([total.to(kind) for total in each])
        return (
            sums if self.sums is None else self.sums + sums,
            self.samples + sum(self.sizes),
        )


def _kept(value: Value) -> Value:
    """What is kept of a batch's value: a number, if it is on the CPU. To read one tensor per batch
    later takes longer.
    """
    if not isinstance(value, Tensor) or value.ndim:
        return value
    return float(value.item()) if value.is_cpu else value.detach()


def _sum_over_samples(batches: Sequence[Any], sizes: Sequence[int]) -> Tensor:
    """The sum over the samples of all batches, given each batch's mean or its bools."""
    first = batches[0]
    if isinstance(first, float):
        return torch.tensor(sum(map(mul, batches, sizes)), dtype=torch.float64)
    if not isinstance(first, Tensor) or first.ndim:
        bools = _joined(batches)
        return bools.sum(dtype=wide(bools.device))
    means = torch.stack(list(batches))
    weights = sent(torch.tensor(sizes, dtype=wide(means.device)), means.device)
    return (means.to(weights) * weights).sum()


def _joined(batches: Sequence[Any]) -> Tensor:
    """The bools of all samples of some batches."""
    later: Later | None = next((value for value in batches if not isinstance(value, Tensor)), None)
    return torch.cat(list(batches)) if later is None else later.joined(batches)


def measured(values: Iterable[Value]) -> list[Any]:
    """Values of batches; those that were left for later are computed now."""
    return [value if isinstance(value, (float, Tensor)) else value.measured() for value in values]


def _numbers(values: Sequence[Value]) -> list[float]:
    """The values of one batch. A device other than the CPU is waited for once, not for each."""
    found = measured(values)
    away = [value.float().mean() if value.ndim else value for value in found if _is_away(value)]
    fetched = iter(torch.stack(away).tolist() if away else ())
    return [next(fetched) if _is_away(value) else _number(value) for value in found]


def _is_away(value: float | Tensor) -> bool:
    return isinstance(value, Tensor) and not value.is_cpu


def _number(value: float | Tensor) -> float:
    """A batch's value, from the CPU: a mean, or a bool for each sample."""
    if isinstance(value, float):
        return value
    return value.count_nonzero().item() / len(value) if value.ndim else float(value.item())
