"""The random generators of a process, read and put back: Python's, and those of numpy and torch
where they are loaded. Nothing is imported for that.
"""

import random
import sys
from typing import Any


def random_state() -> dict[str, Any]:
    """All generators as they are now, as plain data and arrays."""
    state = random_state_beside_torch()
    torch = sys.modules.get("torch")
    if torch is not None:
        state["torch"] = torch.get_rng_state().numpy().copy()
        if torch.cuda.is_initialized():
            state["cuda"] = [one.cpu().numpy() for one in torch.cuda.get_rng_state_all()]
    return state


def random_state_beside_torch() -> dict[str, Any]:
    """The same without torch's."""
    state: dict[str, Any] = {"python": random.getstate()}
    drawn_from = sys.modules.get("numpy.random")  # which numpy loads when somebody asks for it
    if drawn_from is not None:
        state["numpy"] = drawn_from.get_state()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Put the generators back to where they were seen; what was not seen stays as it is."""
    random.setstate(state["python"])
    numpy = sys.modules.get("numpy")
    if numpy is not None and "numpy" in state:
        numpy.random.set_state(state["numpy"])
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if "torch" in state:
        torch.set_rng_state(torch.from_numpy(state["torch"].copy()))
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([torch.from_numpy(one.copy()) for one in state["cuda"]])
