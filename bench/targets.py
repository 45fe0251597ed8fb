"""The speeds that onfit has to reach, and the speeds that were measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.measures import beside_keras, processes
from bench.ratios import Results, Spread

# The trainers on torch that `fit` has to be ahead of.
TORCH_TRAINERS = ("keras_torch", "lightning", "skorch", "poutyne", "ignite", "hf_trainer")


@dataclass(frozen=True)
class Target:
    """A bound on one figure.

    Args:
        what: the figure in words.
        find: takes the figure from the results; returns None if it was not measured.
        must: the bound.
        aim: a better bound, to work towards.
        unit: the unit of the numbers; "x" for a ratio.
    """

    what: str
    find: Callable[[Results], Spread | None]
    must: float
    aim: float | None = None
    unit: str = "x"

    def met(self, results: Results) -> bool | None:
        found = self.find(results)
        return None if found is None else found.median <= self.must


def tuned(workload: str) -> Callable[[Results], Spread | None]:
    return lambda results: results.to_tuned(workload, "onfit")


def hooked(workload: str) -> Callable[[Results], Spread | None]:
    """onfit's step with hooks over that of Keras, which takes turns with it."""
    return lambda results: results.to_plain(f"beside_keras_{workload}", beside_keras.NAME)


def extra(group: str, name: str, scale: float) -> Callable[[Results], Spread | None]:
    return lambda results: results.each(lambda one: one[group][name]["extra"] * scale)


def bar_share(results: Results) -> Spread | None:
    """The bar's cost in hundredths of a step of `deep`, which takes about 300 microseconds."""

    def share(one: dict[str, Any]) -> float:
        bar = one["hooks_deep"]["onfit: bar"]
        return 100 * bar["extra"] / bar["plain"]

    return results.each(share)


def fastest_trainer(workload: str) -> Callable[[Results], Spread | None]:
    """onfit's time divided by that of the fastest other trainer on torch."""

    def nearest(results: Results) -> Spread | None:
        ratios = (results.beside(workload, "onfit", name) for name in TORCH_TRAINERS)
        found = [ratio for ratio in ratios if ratio]
        return max(found, key=lambda ratio: ratio.median) if found else None

    return nearest


def by_processes(workload: str, name: str) -> Callable[[Results], Spread | None]:
    """A training of two processes over a loop in DDP by hand, which takes turns with it."""
    return lambda results: results.to_plain(f"processes_{workload}", name)


def seconds(name: str) -> Callable[[Results], Spread | None]:
    return lambda results: results.value("imports", name)


def targets() -> Iterator[Target]:
    for name in ("softmax", "mlp"):
        yield Target(f"`fit`, {name}", tuned(name), 0.85, 0.70)
    for name in ("softmax", "mlp"):
        what = f"`fit` with 16 no-op batch callbacks, against Keras on jax with one, {name}"
        yield Target(what, hooked(name), 0.90, 0.70)
    silent = extra("hooks_tiny", "onfit: no-op x 16", 1e6 / 16)
    yield Target("a no-op batch callback, per step", silent, 1, 0.5, "us")
    reads = extra("hooks_tiny", "onfit: reads the loss", 1e6)
    yield Target("a callback that reads the loss of each batch", reads, 5, 2, "us")
    yield Target("the bar on a terminal, share of a step of deep", bar_share, 1, None, "%")
    yield Target("an epoch with its callbacks, moons", tuned("moons"), 1.0, 0.6)
    for name in ("conv", "lstm", "large"):
        yield Target(f"`fit`, {name}", tuned(name), 1.02)
        what = f"`fit`, {name}, against the fastest trainer on torch"
        yield Target(what, fastest_trainer(name), 1.0)
    for name in processes.WORKLOADS:
        for way in processes.WAYS:
            what = f"{way.removeprefix('onfit: ')}, of two processes, against DDP by hand, {name}"
            yield Target(what, by_processes(name, way), 1.10, 1.03)
    for job in ("evaluate", "predict"):
        for name in ("softmax", "mlp"):
            yield Target(f"`{job}`, {name}", tuned(f"{job}_{name}"), 1.05)
    yield Target("`import onfit.callbacks`", seconds("import onfit.callbacks"), 0.1, None, "s")
    first = "import onfit and a first fit, after import torch"
    yield Target(
        "`import onfit` and a first `fit`, after `import torch`", seconds(first), 0.15, None, "s"
    )
