"""The table that `model.summary()` prints."""

from typing import TYPE_CHECKING

from torch import nn

from onfit.layers.wrappers import class_of

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

_HEAD = ("Layer (type)", "Output shape", "Param #")


def summary_of(model: "Model") -> str:
    """Name, type, output shape and number of weights of each layer, and the totals."""
    rows = [_HEAD, *_rows(model)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    rule = "─" * max(map(len, lines))
    return "\n".join(
        [f"Model: {model.name}", rule, lines[0], rule, *lines[1:], rule, *_totals(model)]
    )


def _rows(model: "Model") -> list[tuple[str, str, str]]:
    layers = model.layers
    shapes = getattr(model, "output_shapes", None) or ["?"] * len(layers)
    return [
        (_named(model, layer), str(shape), f"{_count(layer):,}")
        for layer, shape in zip(layers, shapes, strict=True)
    ]


def _named(model: "Model", layer: nn.Module) -> str:
    own = next((name for name, module in model.named_modules() if module is layer), "")
    name = getattr(layer, "name", "") or own.rpartition(".")[2]
    return f"{name} ({class_of(layer).__name__})"


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
