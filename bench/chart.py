"""docs/benchmarks.png: a panel of bars for each workload."""

from pathlib import Path
from typing import Any

from bench.contenders import CONTENDERS
from bench.ratios import Results
from bench.workloads import TITLES

COLORS = {"onfit": "#d1495b", "torch_tuned": "#2b4162"}
OTHERS = "#a9b4c2"
COLUMNS = 4


def draw(results: Results, path: Path) -> None:
    """Draw the ratios to the tuned loop; draw nothing if no training was measured."""
    from matplotlib.figure import Figure

    measured = [name for name in TITLES if name in results.groups()]
    if not measured:
        return
    rows = -(-len(measured) // COLUMNS)
    figure = Figure(figsize=(16, 3.6 * rows), layout="constrained")
    panels = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
    for panel, workload in zip(panels, measured, strict=False):
        bars(panel, results, workload)
    for panel in panels[len(measured) :]:
        panel.set_axis_off()
    figure.suptitle("Time of a training step, in multiples of a tuned torch loop: less is better")
    figure.savefig(path, dpi=110)


def bars(panel: Any, results: Results, workload: str) -> None:
    """One bar for each contender, with a line from its lowest to its highest ratio."""
    found = {name: results.to_tuned(workload, name) for name in reversed(CONTENDERS)}
    for name, spread in found.items():
        if spread:
            reach = [[spread.median - spread.least], [spread.most - spread.median]]
            color = COLORS.get(name, OTHERS)
            panel.barh(CONTENDERS[name].title, spread.median, xerr=reach, color=color)
    panel.axvline(1, color=COLORS["torch_tuned"], linewidth=1)
    panel.set_title(workload)
    panel.spines[["top", "right"]].set_visible(False)
