"""Layers in lists, tuples and dicts that a user's class has as attributes, found as Keras does."""

from collections.abc import Iterator
from typing import Any

from torch import nn

from onfit.assigning import check_assignment
from onfit.errors import ArgumentTypeError
from onfit.layers.weights.assigned import takes_values

_KINDS = (list, tuple, dict)
# A longer one that begins with something else holds data, and is not walked through.
_LONG = 100
# Lists and dicts that models and layers keep for themselves.
_OURS = frozenset(
    {
        "calls",
        "nodes",
        "output_shapes",
        "_layers",
        "input_names",
        "output_names",
        "validation_sets",
        "steps_by_hand",
    }
)


class Held(nn.Module):
    """The modules of one list, tuple or dict, by their places in it."""

    def __init__(self, parts: dict[str, nn.Module]) -> None:
        super().__init__()
        self._modules.update(parts)


class HoldsLayers(nn.Module):
    """A module that has the modules in lists, tuples and dicts among its parts.

    The attributes stay what they are, and are looked through whenever the parts of the module are
    walked: a list may be filled later.

    Example:
        >>> class Tower(HoldsLayers):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.floors = []
        ...         self.floors.append(nn.Linear(2, 2))
        >>> [name for name, _ in Tower().named_parameters()]
        ['floors.0.weight', 'floors.0.bias']
    """

    # For each such attribute, the names of the parts that were there before it: their order is that
    # in which they were set, as in Keras.
    _holders: dict[str, set[str]]

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "_holders", {})

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "training":
            self.__dict__[name] = value  # torch would look for what else it may be; it is set often
            return
        if name[0] != "_":
            check_assignment(self, name, value)
            if takes_values(self, name, value):
                return
            if name == "call":
                name = "forward"  # both are one computation; torch calls it by this name
            if isinstance(getattr(type(self), name, None), property):
                object.__setattr__(self, name, value)  # torch would put a module beside it
                return
        holders = vars(self).get("_holders", {})
        if name in holders:
            self._forget(name)
        super().__setattr__(name, value)
        if isinstance(value, (set, frozenset)):
            _refuse_layers(name, value)
        if isinstance(value, _KINDS) and name in vars(self) and name not in _OURS:
            holders[name] = {*self._modules, *holders}

    def __delattr__(self, name: str) -> None:
        if name in vars(self).get("_holders", ()):
            self._forget(name)
        super().__delattr__(name)

    def _forget(self, name: str) -> None:
        del self._holders[name]
        self._modules.pop(name, None)

    def _look_through(self) -> None:
        """Make parts of the modules that lists, tuples and dicts hold now."""
        for name, before in vars(self).get("_holders", {}).items():
            parts, known = _parts_of(vars(self)[name]), self._modules.get(name)
            if _walked(parts) == ([] if known is None else _walked(known._modules)):
                continue
            others = {key: part for key, part in self._modules.items() if key != name}
            self._modules.clear()
            self._modules.update({key: others.pop(key) for key in list(others) if key in before})
            self._modules.update({name: Held(parts), **others} if parts else others)

    def named_children(self) -> Iterator[tuple[str, nn.Module]]:
        self._look_through()
        return super().named_children()

    def named_modules(self, *args: Any, **kwargs: Any) -> Any:
        self._look_through()
        return super().named_modules(*args, **kwargs)

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        self._look_through()
        return super().state_dict(*args, **kwargs)


def _parts_of(holder: Any) -> dict[str, Any]:
    """The modules in a list, tuple or dict, by their places; nested ones are a `Held` each."""
    if len(holder) > _LONG and not isinstance(_first_of(holder), (nn.Module, *_KINDS)):
        return {}
    places = holder.items() if isinstance(holder, dict) else enumerate(holder)
    parts: dict[str, Any] = {}
    for place, item in places:
        key = str(place).replace(".", "_")
        if isinstance(item, nn.Module):
            parts[key] = item
        elif isinstance(item, _KINDS) and (inner := _parts_of(item)):
            parts[key] = Held(inner)
    return parts


def _refuse_layers(name: str, found: Any) -> None:
    if any(isinstance(item, nn.Module) for item in found):
        raise ArgumentTypeError(
            f"{name} = a set of layers: a set has no order, so its layers would have other places "
            "at the next start. Keep them in a list."
        )


def _first_of(holder: Any) -> Any:
    return next(iter(holder.values() if isinstance(holder, dict) else holder))


def _walked(parts: Any) -> list[tuple[str, int]]:
    """The places and the identities of modules, those in nested lists included."""
    found: list[tuple[str, int]] = []
    for key, part in parts.items():
        inner = _walked(part._modules) if isinstance(part, Held) else [("", id(part))]
        found += [(f"{key}.{place}", identity) for place, identity in inner]
    return found
