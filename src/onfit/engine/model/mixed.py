"""A user's class of models, joined with the kind of model that its arguments ask for."""

from functools import cache
from typing import Any


@cache
def mixed(own: type, kind: type) -> type:
    """The class of an object that is both: first of the class `own`, then of the `kind`.

    `class Mine(Model)` says what is special, `Mine(inputs, outputs)` that this one is functional.
    The class of the object shows as `Mine`, and objects of it pickle as such.

    >>> class Own: ...
    >>> class Kind:
    ...     answer = 42
    >>> mixed(Own, Kind)().answer, mixed(Own, Kind).__name__
    (42, 'Own')
    """
    if issubclass(own, kind):
        return own
    shown = {name: getattr(own, name) for name in ("__module__", "__qualname__", "__doc__")}

    def reduce(self: Any, protocol: Any) -> Any:
        return _blank, (own, kind), self.__getstate__()

    return type(own.__name__, (own, kind), {**shown, "__reduce_ex__": reduce})


def _blank(own: type, kind: type) -> Any:
    """An object of the mixed class, for a copy to fill."""
    cls: Any = mixed(own, kind)
    return cls.__new__(cls)
