"""src/onfit/ops.pyi, made of the table of computations, for editors and type checkers:

python -m tests.contract.ops_stub            writes it anew
"""

import inspect
from pathlib import Path
from typing import Any

from onfit import ops

STUB = Path(__file__).parents[2] / "src" / "onfit" / "ops.pyi"

_HEAD = '''"""What `onfit.ops` has. Made by `python -m tests.contract.ops_stub`."""

from typing import Any

import numpy as np
from torch import Tensor

# A result is a tensor, or a symbol where an argument is one.
'''
# What is annotated as itself; all else takes tensors, arrays, numbers and symbols.
_PLAIN = {"bool": "bool", "int": "int", "float": "float", "str": "str"}


def stub() -> str:
    """The whole file."""
    names = [name for name in ops.__all__ if callable(getattr(ops, name))]
    return _HEAD + "".join(f"def {name}{_signature(getattr(ops, name))}: ...\n" for name in names)


def _signature(function: Any) -> str:
    parameters = [_parameter(each) for each in inspect.signature(function).parameters.values()]
    return f"({', '.join(parameters)}) -> {_result(function)}"


def _parameter(each: inspect.Parameter) -> str:
    star = "*" if each.kind is each.VAR_POSITIONAL else ""
    kind = _PLAIN.get(getattr(each.annotation, "__name__", ""), "Any")
    default = "" if each.default is each.empty else " = ..."
    return f"{star}{each.name}: {kind}{default}"


def _result(function: Any) -> str:
    if function.__module__ == "onfit.ops":
        return "Any"
    found = inspect.signature(function).return_annotation
    if str(found).startswith("numpy.ndarray"):
        return "np.ndarray[Any, Any]"
    name = getattr(found, "__name__", "")
    return name if name in {*_PLAIN, "Tensor"} else "Any"


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
