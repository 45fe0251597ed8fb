"""Python's operators on symbols."""

from collections.abc import Mapping
from typing import Any, NoReturn, Self

from onfit.errors import ArgumentTypeError


class Operators:
    """What symbols have of numbers: each operator records a computation of `onfit.ops`."""

    # numpy leaves `array + symbol` to the symbol.
    __array_ufunc__ = None

    def _operated(self, name: str, *args: Any) -> Self:
        raise NotImplementedError

    def __add__(self, other: Any) -> Self:
        return self._operated("add", self, other)

    def __radd__(self, other: Any) -> Self:
        return self._operated("add", other, self)

    def __sub__(self, other: Any) -> Self:
        return self._operated("subtract", self, other)

    def __rsub__(self, other: Any) -> Self:
        return self._operated("subtract", other, self)

    def __mul__(self, other: Any) -> Self:
        return self._operated("multiply", self, other)

    def __rmul__(self, other: Any) -> Self:
        return self._operated("multiply", other, self)

    def __matmul__(self, other: Any) -> Self:
        return self._operated("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Self:
        return self._operated("matmul", other, self)

    def __truediv__(self, other: Any) -> Self:
        return self._operated("divide", self, other)

    def __rtruediv__(self, other: Any) -> Self:
        return self._operated("divide", other, self)

    def __floordiv__(self, other: Any) -> Self:
        return self._operated("floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> Self:
        return self._operated("floor_divide", other, self)

    def __mod__(self, other: Any) -> Self:
        return self._operated("mod", self, other)

    def __rmod__(self, other: Any) -> Self:
        return self._operated("mod", other, self)

    def __pow__(self, other: Any) -> Self:
        return self._operated("power", self, other)

    def __rpow__(self, other: Any) -> Self:
        return self._operated("power", other, self)

    def __neg__(self) -> Self:
        return self._operated("negative", self)

    def __abs__(self) -> Self:
        return self._operated("absolute", self)

    def __round__(self, decimals: int = 0) -> Self:
        return self._operated("round", self, decimals)

    def __lt__(self, other: Any) -> Self:
        return self._operated("less", self, other)

    def __le__(self, other: Any) -> Self:
        return self._operated("less_equal", self, other)

    def __gt__(self, other: Any) -> Self:
        return self._operated("greater", self, other)

    def __ge__(self, other: Any) -> Self:
        return self._operated("greater_equal", self, other)

    def __and__(self, other: Any) -> Self:
        return self._operated("logical_and", self, other)

    def __rand__(self, other: Any) -> Self:
        return self._operated("logical_and", other, self)

    def __or__(self, other: Any) -> Self:
        return self._operated("logical_or", self, other)

    def __ror__(self, other: Any) -> Self:
        return self._operated("logical_or", other, self)

    def __xor__(self, other: Any) -> Self:
        return self._operated("logical_xor", self, other)

    def __rxor__(self, other: Any) -> Self:
        return self._operated("logical_xor", other, self)

    def __invert__(self) -> Self:
        return self._operated("logical_not", self)

    def __getitem__(self, key: Any) -> Self:
        return self._operated("get_item", self, key)

    def __iter__(self) -> NoReturn:
        raise ArgumentTypeError(
            f"{self!r} has no values yet to walk over. Take a part of it, such as x[:, 0], or all "
            "parts by onfit.ops.unstack(x, axis=1)."
        )


# Operators by the names of the methods that torch calls where a tensor is on the left.
OF_TENSORS: Mapping[str, str] = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "matmul": "matmul",
    "__matmul__": "matmul",
    "div": "divide",
    "true_divide": "divide",
    "floor_divide": "floor_divide",
    "remainder": "mod",
    "pow": "power",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
}
