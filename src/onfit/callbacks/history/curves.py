"""The figure of a history. Only `History.plot` imports this file, since it needs matplotlib.

The figure is made without pyplot, so it needs no display and leaves the user's own figures alone.
"""

import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from onfit._types import Mode
from onfit.core.judging.objective import direction_by_name

Points = tuple[Sequence[int], Sequence[float]]

_TRAIN, _VALIDATION = "#1f77b4", "#d95f02"
_RATES = ("learning_rate", "lr")


class Curves(Figure):
    """A figure that a notebook shows although it was made without pyplot."""

    def _repr_png_(self) -> bytes:
        image = BytesIO()
        self.savefig(image, format="png")
        return image.getvalue()


def draw(bases: Sequence[str], points: Mapping[str, Points]) -> Figure:
    """A figure with one axes for each of `bases`, with its training and validation curve.

    Args:
        bases: metric names without `val_`.
        points: for each logged name the epochs, counted from 1, and the values.
    """
    columns = min(len(bases), 3 if len(bases) > 4 else 2)
    rows = math.ceil(len(bases) / columns)
    figure = Curves(figsize=(5.2 * columns, 3.6 * rows), layout="constrained", dpi=120)
    for index, base in enumerate(bases):
        axes = figure.add_subplot(rows, columns, index + 1)
        _draw_curves(axes, base, points)
        _dress(axes, base)
    return figure


def _draw_curves(axes: Axes, base: str, points: Mapping[str, Points]) -> None:
    curves = [(base, "training", _TRAIN), (f"val_{base}", "validation", _VALIDATION)]
    drawn = [(points[name], label, color) for name, label, color in curves if name in points]
    for (epochs, values), label, color in drawn:
        # A single value needs a marker: a line through one point is not visible.
        marker = "o" if len(values) <= 30 else ""
        # A learning rate holds for a whole epoch.
        style = "steps-mid" if base in _RATES else "default"
        axes.plot(
            epochs, values, label=label, color=color, marker=marker, markersize=3, drawstyle=style
        )
    direction = direction_by_name(base)
    if direction is not None:
        (epochs, values), _, color = drawn[-1]
        _mark_best(axes, epochs, values, color, direction)


def _mark_best(
    axes: Axes, epochs: Sequence[int], values: Sequence[float], color: str, direction: Mode
) -> None:
    finite = [
        (value, epoch) for epoch, value in zip(epochs, values, strict=True) if math.isfinite(value)
    ]
    if not finite:
        return
    sign = 1 if direction == "min" else -1
    value, epoch = min(finite, key=lambda point: sign * point[0])
    label = f"best: {value:.4g} at epoch {epoch}"
    axes.plot(
        [epoch], [value], linestyle="", marker="o", markersize=9, markerfacecolor="none",
        markeredgewidth=1.6, color=color, label=label,
    )  # fmt: skip


def _dress(axes: Axes, base: str) -> None:
    axes.set_title(base)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(left=max(axes.get_xlim()[0], 0.5))  # epochs count from 1: no tick at 0
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if base not in _RATES:
        axes.legend(frameon=False)
    elif axes.dataLim.y0 > 0:
        axes.set_yscale("log")


def is_number(value: Any) -> bool:
    """Whether a logged value can be drawn."""
    return (
        not isinstance(value, str) and not getattr(value, "ndim", 0) and hasattr(value, "__float__")
    )
