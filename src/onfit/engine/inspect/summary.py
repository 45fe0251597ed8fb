"""The table that `model.summary()` prints."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from onfit.errors import ArgumentError, did_you_mean
from onfit.layers.keys import kind_of

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

_HEAD = ["Layer (type)", "Output shape", "Param #"]
_UNKNOWN = "?"

Row = list[str]


@dataclass(frozen=True)
class Look:
    """How a table of layers looks: the arguments of `Model.summary`."""

    line_length: int | None = None
    positions: Sequence[float] | None = None
    expand_nested: bool = False
    show_trainable: bool = False
    layer_range: Sequence[str] | None = None


def summary_of(model: "Model", look: Look) -> str:
    """Name, type, output shape and number of weights of each layer, and the totals.

    Raises:
        ArgumentError: for a `layer_range` of layers that there are not, or `positions` that do
            not grow.
    """
    head = [*_HEAD, "Trainable"] if look.show_trainable else _HEAD
    rows = list(_rows(model, look))
    widths = _widths([head, *rows], look)
    first, *lines = [_line(row, widths) for row in (head, *rows)]
    rule = "─" * (look.line_length or max(map(len, (first, *lines))))
    title = f"Model: {model.name}"
    return "\n".join([title, rule, first, rule, *lines, rule, *_totals(model)])


def _line(row: Row, widths: list[int]) -> str:
    cells = (cell[:width].ljust(width) for cell, width in zip(row, widths, strict=True))
    return "  ".join(cells).rstrip()


def _widths(rows: list[Row], look: Look) -> list[int]:
    """How many letters each column has: as many as its longest cell, unless the look says it."""
    columns = len(rows[0])
    own = [max(len(row[column]) for row in rows) for column in range(columns)]
    if look.line_length is None and look.positions is None:
        return own
    length = look.line_length or sum(own) + 2 * (columns - 1)
    ends = list(look.positions or (sum(own[: i + 1]) / sum(own) for i in range(columns)))
    if ends != sorted(ends):
        raise ArgumentError(
            f"summary(positions={ends!r}): give the end of each column ({', '.join(rows[0])}), the "
            "first one first, as a part of the line such as 0.5, or as a number of letters."
        )
    # Keras' table may have more columns than this one, and one that was added has no end there.
    places = [round(end * length) if ends[-1] <= 1 else int(end) for end in ends[:columns]]
    starts = [0, *places[:-1]]
    asked_for = [max(1, end - start - 2) for start, end in zip(starts, places, strict=True)]
    return [*asked_for, *own[len(asked_for) :]]


def _rows(model: "Model", look: Look) -> Iterator[Row]:
    pairs = list(_with_shapes(model))
    names = [_name(model, layer) for layer, _ in pairs]
    start, end = _range(model, names, look.layer_range)
    for layer, shape in pairs[start:end]:
        yield from _rows_of(layer, _name(model, layer), shape, look)


def _rows_of(layer: nn.Module, name: str, shape: Any, look: Look, depth: int = 0) -> Iterator[Row]:
    mark = "    " * (depth - 1) + "  └ " if depth else ""
    row = [
        f"{mark}{name} ({kind_of(layer)})",
        str(shape or getattr(layer, "output_shape", None) or _UNKNOWN),
        f"{_count(layer):,}" if getattr(layer, "built", True) else _UNKNOWN,
    ]
    yield [*row, _trainable(layer)] if look.show_trainable else row
    inner: Any = layer
    if look.expand_nested and hasattr(layer, "summary"):
        for part, its in _with_shapes(inner):
            yield from _rows_of(part, _name(inner, part), its, look, depth + 1)


def _with_shapes(model: "Model") -> Iterator[tuple[nn.Module, Any]]:
    """The layers of a model, and the computations among them, each with its output's shape."""
    parts = model.operations
    shapes = getattr(model, "output_shapes", None) or [None] * len(parts)
    yield from zip(parts, shapes, strict=True)


def _range(model: "Model", names: list[str], wanted: Sequence[str] | None) -> tuple[int, int]:
    """The first and the last row, by the names (or patterns) of two layers."""
    if wanted is None:
        return 0, len(names)
    if isinstance(wanted, str) or len(wanted) != 2:
        raise ArgumentError(
            f"summary(layer_range={wanted!r}): give the names of two layers, the first and the "
            "last to show."
        )
    places = []
    for name in wanted:
        found = [place for place, known in enumerate(names) if re.fullmatch(name, known)]
        if not found:
            raise ArgumentError(
                f"summary(layer_range={list(wanted)!r}): {model.described} has no layer {name!r}. "
                f"It has {', '.join(names)}.{did_you_mean(name, names)}"
            )
        places.append(found)
    return min(places[0]), max(places[1]) + 1


def _name(model: "Model", layer: nn.Module) -> str:
    own = next((name for name, module in model.named_modules() if module is layer), "")
    return getattr(layer, "name", "") or own.rpartition(".")[2]


def _trainable(layer: nn.Module) -> str:
    """Y or N; a dash for a layer that has nothing to train."""
    params = list(layer.parameters())
    if not params:
        return "-"
    return "Y" if any(param.requires_grad for param in params) else "N"


def _totals(model: "Model") -> list[str]:
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    total = model.count_params()
    return [
        f"Total params: {total:,}",
        f"Trainable params: {trainable:,}",
        f"Non-trainable params: {total - trainable:,}",
    ]


def _count(layer: nn.Module) -> int:
    return sum(tensor.numel() for tensor in (*layer.parameters(), *layer.buffers()))
