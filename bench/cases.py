"""A case: one measurement, made in a process of its own."""

import json
from dataclasses import dataclass
from typing import Any

from bench.contenders import CONTENDERS


@dataclass(frozen=True)
class Case:
    """One measurement to make in each round.

    Args:
        group: the table it belongs to.
        name: its row in that table.
        module: the module whose `run` makes the measurement.
        arguments: the arguments of that `run`.
        contender: the name of the contender it needs; if its library is absent, the case is
            skipped.
        once: measured in the first round only, because it does not vary or takes long.
    """

    group: str
    name: str
    module: str
    arguments: dict[str, Any]
    contender: str
    once: bool = False

    @property
    def environment(self) -> dict[str, str]:
        return CONTENDERS[self.contender].environment

    def command(self, python: str) -> list[str]:
        return [python, "-m", "bench.worker", self.module, json.dumps(self.arguments)]

    def missing(self) -> list[str]:
        """The packages that the case needs and that are not installed."""
        return CONTENDERS[self.contender].missing()
