"""The name that a metric has if it is not given one."""

import re


def snake_case(name: str) -> str:
    """`binary_f1_score`, of `BinaryF1Score`; `binary_auroc`, of `BinaryAUROC`."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
