"""Masks: which steps of a sequence count. They travel on the tensors, as in Keras.

A layer that makes a mask (`Embedding(mask_zero=True)`, `Masking`) hangs it on its output, as
`_keras_mask`: True for each step that counts. A layer whose computation takes `mask` gets it; one
that supports masks hangs what its `compute_mask` gives on its output. As long as no mask was ever
made in a process, all this is one test of a flag in each call.
"""

from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

from torch import Tensor, nn

from onfit.errors import warn
from onfit.layers.shapes import described, mapped, tensors_in


class _Use:
    """Whether any mask may have been made in this process."""

    begun = False


USE = _Use()
_warned_of: WeakSet[nn.Module] = WeakSet()
_KEY = "_keras_mask"


def mask_of(structure: Any) -> Any:
    """The mask on a tensor, or None; for lists and dicts of tensors such of their masks."""
    return mapped(lambda tensor: getattr(tensor, _KEY, None), Tensor, structure)


def put_mask(tensor: Tensor, mask: Tensor | None) -> None:
    """Hang a mask on a tensor."""
    USE.begun = True
    setattr(tensor, _KEY, mask)


def masks_in(structure: Any) -> list[Any]:
    """The mask on each tensor in a structure, or None where there is none."""
    return [getattr(tensor, _KEY, None) for tensor in tensors_in(structure)]


def may_be_made(net: nn.Module) -> bool:
    """Whether a part of `net` makes masks, or was written by a user with masks in mind."""
    return any(
        getattr(part, "makes_masks", False)
        or ("mask" in getattr(getattr(part, "takes", None), "names", ()) and _is_of_user(part))
        for part in net.modules()
    )


def _is_of_user(part: nn.Module) -> bool:
    return not type(part).__module__.startswith("onfit.")


def hand_in(layer: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Give a computation the masks on its inputs, where it takes them.

    Args:
        layer: has the computation.
        args: its arguments by place.
        kwargs: those by name; masks are added here.

    Returns:
        The mask of the first input, as `compute_mask` takes it.
    """
    names = layer.takes.names
    inputs = {**dict(zip(names, args, strict=False)), **kwargs}
    holding = [name for name, value in inputs.items() if not _is_mask(name) and tensors_in(value)]
    for name in holding:
        # Beside a sequence, a state to begin with has no mask of its own.
        is_sequence = name == holding[0] and getattr(layer, "walks_sequences", False)
        wanted = "mask" if len(holding) == 1 or is_sequence else f"{name}_mask"
        if wanted in names and inputs.get(wanted) is None:
            found = mask_of(inputs[name])
            if any(mask is not None for mask in masks_in(inputs[name])):
                kwargs[wanted] = found
    given = kwargs.get("mask")
    first = args[0] if args else next(iter(kwargs.values()), None)
    return mask_of(first) if given is None else given


def _is_mask(name: str) -> bool:
    return name == "mask" or name.endswith("_mask")


def hand_on(layer: Any, inputs: Any, output: Any, before: Any) -> None:
    """Hang the mask of a layer's output on it.

    Args:
        layer: the layer.
        inputs: its first input.
        output: what it gave.
        before: the mask of the first input.
    """
    outputs = tensors_in(output)
    if all(getattr(tensor, _KEY, None) is not None for tensor in outputs):
        return
    if not layer.supports_masking:
        _warn_if_lost(layer, inputs)
        return
    found = layer.compute_mask(inputs, before)
    masks = list(found) if isinstance(found, (list, tuple)) else [found]
    for tensor, mask in zip(outputs, masks, strict=False):
        if mask is not None and getattr(tensor, _KEY, None) is None:
            put_mask(tensor, mask)


def _warn_if_lost(layer: Any, inputs: Any) -> None:
    if (
        all(mask is None for mask in masks_in(inputs))
        or layer.is_made_of_layers
        or layer in _warned_of
    ):
        return
    _warned_of.add(layer)
    warn(
        f"{described(layer)} got an input with a mask, and does not support masks: the layers "
        "behind it see all steps. Put it before the layer that makes the mask; or, if it is "
        "yours, set self.supports_masking = True in its __init__."
    )
