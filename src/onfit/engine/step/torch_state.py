"""The state of a torch optimizer: whole, where processes have pieces of it, and in pieces again."""

from typing import Any

import torch

from onfit.engine.pieces import FoundPieces, TakesDown, is_in_pieces, put_saved
from onfit.layers.wrappers import divided_like, whole

State = dict[str, Any]


def whole_state(optimizer: Any, take: TakesDown = whole) -> State:
    """The `state_dict` of a torch optimizer, whose tensors `take` takes down; by default what lies
    on several processes is brought together.
    """
    state: State = optimizer.state_dict()
    slots = {
        index: {slot: take(v) if isinstance(v, torch.Tensor) else v for slot, v in own.items()}
        for index, own in state["state"].items()
    }
    return {**state, "state": slots}


def divided_state(optimizer: Any, state: State, pieces: FoundPieces | None = None) -> State:
    """Such a state, with each tensor divided as its parameter is; `pieces` has the pieces of those
    that were taken down so.
    """
    params = [param for group in optimizer.param_groups for param in group["params"]]

    def divided(index: int, value: Any) -> Any:
        if is_in_pieces(value):
            made = torch.empty_like(params[index], dtype=getattr(torch, value["dtype"]))
            put_saved(made, value, pieces)
            return made
        is_like_it = isinstance(value, torch.Tensor) and value.shape == params[index].shape
        return divided_like(value, params[index]) if is_like_it else value

    slots = {
        index: {slot: divided(index, value) for slot, value in own.items()}
        for index, own in state["state"].items()
    }
    return {**state, "state": slots}
