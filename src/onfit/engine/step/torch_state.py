"""The state of a torch optimizer: whole, where processes have pieces of it, and in pieces again."""

from typing import Any

import torch

from onfit.layers.wrappers import divided_like, whole

State = dict[str, Any]


def whole_state(optimizer: Any) -> State:
    """The `state_dict` of a torch optimizer; what lies on several processes is brought together."""
    state: State = optimizer.state_dict()
    slots = {
        index: {slot: whole(v) if isinstance(v, torch.Tensor) else v for slot, v in own.items()}
        for index, own in state["state"].items()
    }
    return {**state, "state": slots}


def divided_state(optimizer: Any, state: State) -> State:
    """Such a state, with each tensor divided as its parameter is."""
    params = [param for group in optimizer.param_groups for param in group["params"]]

    def divided(index: int, value: Any) -> Any:
        is_like_it = isinstance(value, torch.Tensor) and value.shape == params[index].shape
        return divided_like(value, params[index]) if is_like_it else value

    slots = {
        index: {slot: divided(index, value) for slot, value in own.items()}
        for index, own in state["state"].items()
    }
    return {**state, "state": slots}
