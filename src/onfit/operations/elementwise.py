"""Computations value by value: of one tensor, and of two."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from onfit.dtypes import torch_dtype
from onfit.operations.table import enter, entered

# Functions of one tensor, as torch has them: by Keras' names.
_OF_ONE: Mapping[str, Callable[[Tensor], Tensor]] = {
    "abs": torch.abs,
    "absolute": torch.abs,
    "arccos": torch.acos,
    "arccosh": torch.acosh,
    "arcsin": torch.asin,
    "arcsinh": torch.asinh,
    "arctan": torch.atan,
    "arctanh": torch.atanh,
    "ceil": torch.ceil,
    "copy": torch.clone,
    "cos": torch.cos,
    "cosh": torch.cosh,
    "deg2rad": torch.deg2rad,
    "exp": torch.exp,
    "exp2": torch.exp2,
    "expm1": torch.expm1,
    "floor": torch.floor,
    "isfinite": torch.isfinite,
    "isinf": torch.isinf,
    "isnan": torch.isnan,
    "log": torch.log,
    "log10": torch.log10,
    "log1p": torch.log1p,
    "log2": torch.log2,
    "logical_not": torch.logical_not,
    "negative": torch.neg,
    "rad2deg": torch.rad2deg,
    "ravel": torch.ravel,
    "reciprocal": torch.reciprocal,
    "sign": torch.sign,
    "sin": torch.sin,
    "sinc": torch.sinc,
    "sinh": torch.sinh,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "tan": torch.tan,
    "tanh": torch.tanh,
    "trunc": torch.trunc,
}
_MATHEMATICS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "erf": torch.erf,
    "erfinv": torch.erfinv,
    "rsqrt": torch.rsqrt,
}
# Functions of two tensors, value by value.
_OF_TWO: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "arctan2": torch.atan2,
    "divide": torch.true_divide,
    "equal": torch.eq,
    "floor_divide": partial(torch.div, rounding_mode="floor"),
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "hypot": torch.hypot,
    "less": torch.lt,
    "less_equal": torch.le,
    "logaddexp": torch.logaddexp,
    "logical_and": torch.logical_and,
    "logical_or": torch.logical_or,
    "logical_xor": torch.logical_xor,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "mod": torch.remainder,
    "multiply": torch.mul,
    "not_equal": torch.ne,
    "power": torch.pow,
    "subtract": torch.sub,
    "true_divide": torch.true_divide,
}


def _of_one(function: Callable[[Tensor], Tensor], name: str) -> Callable[..., Any]:
    def compute(x: Tensor) -> Tensor:
        return function(x)

    compute.__name__, compute.__doc__ = name, f"torch's `{function.__name__}`, value by value."
    return compute


def _of_two(function: Callable[[Tensor, Tensor], Tensor], name: str) -> Callable[..., Any]:
    def compute(x1: Tensor, x2: Tensor) -> Tensor:
        return function(*_as_pair(x1, x2))

    compute.__name__ = name
    compute.__doc__ = f"torch's `{_name_of(function)}` of two tensors, value by value."
    return compute


def _name_of(function: Any) -> str:
    return str(getattr(function, "func", function).__name__)


def _as_pair(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    """Two tensors, where one may be a number: it takes the place of the other's values."""
    if not isinstance(x1, Tensor):
        x1 = _number(x1, x2)
    return x1, x2 if isinstance(x2, Tensor) else _number(x2, x1)


def _number(value: Any, beside: Any) -> Tensor:
    is_float = (
        isinstance(value, float) and isinstance(beside, Tensor) and beside.is_floating_point()
    )
    dtype = beside.dtype if is_float else None
    return torch.as_tensor(value, dtype=dtype, device=getattr(beside, "device", None))


for _name, _function in _OF_ONE.items():
    enter(_of_one(_function, _name), "numpy")
for _name, _function in _MATHEMATICS.items():
    enter(_of_one(_function, _name), "math")
for _name, _two in _OF_TWO.items():
    enter(_of_two(_two, _name), "numpy")


@entered("numpy")
def divide_no_nan(x1: Tensor, x2: Tensor) -> Tensor:
    """The quotient; 0 where the divisor is 0."""
    x1, x2 = _as_pair(x1, x2)
    return torch.where(x2 == 0, torch.zeros_like(x2), x1 / torch.where(x2 == 0, 1, x2))


@entered("numpy", given=("x1", "x2", "rtol", "atol"))
def isclose(
    x1: Tensor, x2: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether values are nearly equal: |x1 - x2| <= atol + rtol * |x2|."""
    return torch.isclose(*_as_pair(x1, x2), rtol=rtol, atol=atol, equal_nan=equal_nan)


@entered("numpy")
def clip(x: Tensor, x_min: Any, x_max: Any) -> Tensor:
    """Values below `x_min` become that, and values above `x_max` become that."""
    return torch.clamp(x, x_min, x_max)


@entered("numpy")
def round_(x: Tensor, decimals: int = 0) -> Tensor:
    """Values to so many decimals; halves go to the even neighbour."""
    return torch.round(x, decimals=decimals)


@entered("numpy")
def nan_to_num(
    x: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """NaN and infinite values become numbers: by default 0, and the largest of their type."""
    return torch.nan_to_num(x, nan, posinf, neginf)


@entered("numpy")
def where(condition: Tensor, x1: Tensor | None = None, x2: Tensor | None = None) -> Any:
    """`x1` where the condition is true, else `x2`; with neither, the places where it is true."""
    condition = torch.as_tensor(condition)
    if x1 is None or x2 is None:
        return torch.where(condition)
    return torch.where(condition.bool(), x1, x2)


@entered("core")
def cast(x: Tensor, dtype: Any) -> Tensor:
    """The values as numbers of another type: `"float32"`, `"int32"`, `"bool"` ..."""
    return x.to(torch_dtype(dtype))


@entered("core", given=("variable",))
def stop_gradient(variable: Tensor) -> Tensor:
    """The values; gradients do not pass."""
    return variable.detach()


@entered("numpy")
def zeros_like(x: Tensor, dtype: Any = None) -> Tensor:
    """Zeros, in the shape of `x`."""
    return torch.zeros_like(x, dtype=None if dtype is None else torch_dtype(dtype))


@entered("numpy")
def ones_like(x: Tensor, dtype: Any = None) -> Tensor:
    """Ones, in the shape of `x`."""
    return torch.ones_like(x, dtype=None if dtype is None else torch_dtype(dtype))


@entered("numpy")
def full_like(x: Tensor, fill_value: Tensor, dtype: Any = None) -> Tensor:
    """One value everywhere, in the shape of `x`."""
    like = torch.empty_like(x, dtype=None if dtype is None else torch_dtype(dtype))
    return torch.as_tensor(fill_value, device=x.device).to(like.dtype).expand_as(like).clone()
