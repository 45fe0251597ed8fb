"""When a quick way may be taken."""

from typing import Any

import torch


def is_unpatched(thing: Any) -> bool:
    """Whether the object has the methods of its class: none was replaced on the object itself."""
    kind, own = type(thing), vars(thing).items()
    return not any(callable(each) and callable(getattr(kind, name, None)) for name, each in own)


def engine_does_more() -> bool:
    """Whether torch's engine does more than the arithmetic: it casts, or it looks for NaN."""
    return torch.is_autocast_enabled("cpu") or torch.is_anomaly_enabled()


def is_hooked(node: Any) -> bool:
    """Whether a hook looks at what comes into it or out of it. All its hooks share one dict."""
    handles = [node.register_prehook(_nothing), node.register_hook(_nothing)]
    hooked = any(len(handle.hooks_dict_ref() or ()) > 1 for handle in handles)
    for handle in handles:
        handle.remove()
    return hooked


def _nothing(*of_node: Any) -> None:
    """A hook that does nothing."""
