"""A pickle of torch, looked through before torch reads it.

Nothing that the pickle names is imported or called: one class stands in for all of it. So it is
known which numbers the tensors in it need, and that no call in it asks for more memory than those.
"""

import os
import pickle
from collections.abc import Callable
from typing import IO, Any

import torch

# What a state dict may call, besides torch's functions that make tensors out of storages. Others
# that torch allows, such as bytearray and Tensor, make as much memory as a number says.
_CALLS = {
    *(f"collections.{name}" for name in ("OrderedDict", "Counter")),
    *(f"torch.{name}" for name in ("Size", "device", "serialization._get_layout")),
    *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in ("set", "complex")),
    *("torch.nn.parameter.Parameter", "torch._tensor._rebuild_from_type_v2", "_codecs.encode"),
}
_REBUILDING = "torch._utils._rebuild_"

# The bytes of a number in a storage of each kind; those of other kinds have at least one.
_SIZES = {
    f"{name}Storage": size
    for size, names in {
        1: ("Byte", "Char", "Bool", "Untyped"),
        2: ("Short", "Half", "BFloat16"),
        4: ("Int", "Float"),
        8: ("Long", "Double", "ComplexFloat"),
        16: ("ComplexDouble",),
    }.items()
    for name in names
}

Check = Callable[[str, int], None]


def look_through(file: IO[bytes], check: Check) -> Any:
    """Go through the next pickle of a file.

    Args:
        file: an open file.
        check: is called with the key of each storage and the bytes it has to have; raises if it
            cannot have them.

    Returns:
        Plain data as the pickle has it, with a `Nothing` for anything else.

    Raises:
        UnpicklingError: if it is damaged, or calls what no state dict calls.
        ValueError: if it names a storage in no way of torch's.
    """
    return _Looker(file, check).load()


class Nothing:
    """Stands in for what a pickle names, a class, a function or an object, and does nothing.

    Attributes:
        named: its full name in the pickle; empty for an object.
    """

    named = ""

    def __init__(self, *args: Any, **named: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def append(self, item: Any) -> None:
        """Take an item of a list."""

    def extend(self, items: Any) -> None:
        """Take the items of a list."""

    def add(self, item: Any) -> None:
        """Take an item of a set."""


class _Bounded:
    """A file of which no more is asked than it has: Python makes room for all that is asked for."""

    def __init__(self, file: IO[bytes]) -> None:
        at = file.tell()
        self._file, self._size = file, file.seek(0, os.SEEK_END)
        file.seek(at)
        self.readline = file.readline

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, self._size))


class _Looker(pickle._Unpickler):  # in Python, so that no number in it makes it take memory
    def __init__(self, file: IO[bytes], check: Check) -> None:
        super().__init__(_Bounded(file))
        self._check = check
        users = torch.serialization.get_safe_globals() if _HAS_SAFE_GLOBALS else []
        self._calls = {*_CALLS, *(_full_name(each) for each in users)}

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        called = full in self._calls or full.startswith(_REBUILDING)
        return type("Nothing", (Nothing if called else _Uncalled,), {"named": full})

    def persistent_load(self, pid: Any) -> Any:
        match pid:
            case ("module", type() as kind, *_):  # the class of a whole net, as older versions did
                raise pickle.UnpicklingError(f"GLOBAL {getattr(kind, 'named', '')}")
            case ("storage", type() as kind, str() as key, str(), int() as count, *_) if count >= 0:
                name = getattr(kind, "named", "").rpartition(".")[2]
                self._check(key, count * _SIZES.get(name, 1))
                return Nothing()
        raise ValueError("it has numbers that are kept in no way of torch's")


class _Uncalled(Nothing):
    def __new__(cls, *args: Any, **named: Any) -> "_Uncalled":
        raise pickle.UnpicklingError(f"GLOBAL {cls.named}")


_HAS_SAFE_GLOBALS = hasattr(torch.serialization, "get_safe_globals")


def _full_name(allowed: Any) -> str:
    if isinstance(allowed, tuple):
        return str(allowed[1])
    return f"{allowed.__module__}.{allowed.__qualname__}"
