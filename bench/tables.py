"""Figures and tables in Markdown."""

from collections.abc import Iterable, Sequence

from bench.ratios import Spread

ABSENT = "-"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(spread: Spread | None, unit: str = "") -> str:
    """The median; after more than one round, also the lowest and the highest in brackets."""
    if spread is None:
        return ABSENT
    text = number(spread.median) + unit
    if spread.least == spread.most:
        return text
    return f"{text} ({number(spread.least)} to {number(spread.most)})"


def number(value: float) -> str:
    """The value with two decimals, or with three digits if two decimals are more than needed."""
    return (
        f"{value:.2f}"
        if abs(value) < 10
        else f"{value:.3g}"
        if abs(value) < 1e3
        else f"{value:.0f}"
    )
