"""What core needs of numpy. Core imports this module once the process has loaded numpy."""

import sys
from typing import Any

import numpy as np

from onfit.core.packages import Package, register

# Arrays of numbers, text and times. Arrays of other kinds hold Python objects or records.
ARRAY_KINDS = "biufcmMSU"


class Numpy(Package):
    """numpy's arrays and its random generator."""

    def random_state(self) -> dict[str, Any]:
        # numpy loads `numpy.random` only when a program first uses it.
        drawn = "numpy.random" in sys.modules
        return {"numpy": np.random.get_state()} if drawn else {}

    def set_random_state(self, state: dict[str, Any]) -> None:
        if "numpy" in state:
            np.random.set_state(state["numpy"])

    def is_array(self, value: Any) -> bool:
        exact = isinstance(value, np.generic) or type(value) is np.ndarray
        return exact and value.dtype.kind in ARRAY_KINDS


register("numpy", Numpy())
