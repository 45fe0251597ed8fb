"""How often to save: the time that a training takes when machines fail, simulated and by formula.

    python -m bench.cadence          writes docs/cadence.png, and prints what it shows

A training works for `work` hours and saves after each `interval` of them, which takes `cost`.
Failures come at random, on average every `between` hours. After one, `restart` passes, and all
since the last save is done again.
"""

import math
import random
from dataclasses import dataclass
from pathlib import Path

PLOT = Path(__file__).parents[1] / "docs" / "cadence.png"
MINUTE, DAY = 1 / 60, 24.0


@dataclass(frozen=True)
class Case:
    """What a training meets, in hours.

    Attributes:
        cost: how long the training stands still for a save.
        between: mean time between two failures.
        restart: from a failure until the training goes on.
    """

    cost: float
    between: float
    restart: float

    def young(self) -> float:
        """The best interval between two saves, nearly: Young's square root."""
        return math.sqrt(2 * self.cost * self.between)

    def expected(self, interval: float) -> float:
        """The hours that an hour of work takes on average: Daly's formula."""
        reached = math.expm1((interval + self.cost) / self.between)
        return self.between * math.exp(self.restart / self.between) * reached / interval

    def simulated(self, interval: float, work: float, rng: random.Random) -> float:
        """The hours that an hour of work takes in one training."""
        taken, wait = 0.0, 0.0
        for _ in range(math.ceil(work / interval)):
            needed = interval + self.cost
            while (until := rng.expovariate(1 / self.between)) < wait + needed:
                taken, wait = taken + until, self.restart
            taken, wait = taken + wait + needed, 0.0
        return taken / (math.ceil(work / interval) * interval)


# A failure of one device every 50,000 hours: 16,384 GPUs of a published run met one every 3 hours.
HOURS_OF_A_DEVICE = 50_000.0
DEVICES = (8, 512, 16_384)
STALL, RESTART = 0.5 * MINUTE, 5 * MINUTE
TRAININGS, WORK = 40, 30 * DAY
INTERVALS = [MINUTE * 1.6**step for step in range(19)]


def case_of(devices: int) -> Case:
    """What a training on so many devices meets."""
    return Case(STALL, HOURS_OF_A_DEVICE / devices, RESTART)


def means(case: Case, intervals: list[float], trainings: int, seed: int = 0) -> list[float]:
    """The mean of what `trainings` trainings took, for each interval."""
    rng = random.Random(seed)
    found = []
    for interval in intervals:
        each = [case.simulated(interval, WORK, rng) for _ in range(trainings)]
        found.append(sum(each) / trainings)
    return found


def draw(path: Path) -> None:
    """The extra time by interval: dots are simulated, lines computed, diamonds Young's choice."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.6), layout="constrained")
    panel = figure.subplots()
    for devices, color in zip(DEVICES, ("#2b4162", "#3d8b7d", "#d1495b"), strict=True):
        case = case_of(devices)
        minutes = [interval / MINUTE for interval in INTERVALS]
        known = [interval for interval in INTERVALS if case.expected(interval) < 3]
        best = case.young()
        panel.plot(
            [interval / MINUTE for interval in known],
            [100 * (case.expected(interval) - 1) for interval in known],
            color=color,
            label=f"{devices:,} devices: a failure every {case.between:,.0f} hours",
        )
        extra = [100 * (mean - 1) for mean in means(case, known, TRAININGS)]
        panel.plot(minutes[: len(known)], extra, "o", color=color, markersize=4)
        panel.plot(best / MINUTE, 100 * (case.expected(best) - 1), "D", color=color, markersize=9)
    panel.set(
        xscale="log", yscale="log", xlabel="minutes between two saves", ylabel="extra time, %"
    )
    panel.set_title("Extra time of a training whose saves stop it for 30 seconds each")
    panel.grid(alpha=0.3, which="both")
    panel.legend(frameon=False)
    figure.savefig(path, dpi=100)


def main() -> None:
    """Print Young's choice for each number of devices, and draw."""
    for devices in DEVICES:
        case = case_of(devices)
        best = case.young()
        simulated = means(case, [best], TRAININGS)[0]
        print(
            f"{devices:6,} devices, a failure every {case.between:7,.1f} h: save every "
            f"{best / MINUTE:5.1f} min; extra time {100 * (case.expected(best) - 1):.2f} % by "
            f"formula, {100 * (simulated - 1):.2f} % simulated; every hour instead: "
            f"{100 * (case.expected(1.0) - 1):.1f} %"
        )
    draw(PLOT)


if __name__ == "__main__":
    main()
