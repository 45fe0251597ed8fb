"""What a batch was, noted on an error that another library or a user's code raised on it."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from onfit.errors import OnfitError


def note_batch(error: Exception, x: Any, y: Any) -> None:
    """Add to an error the types and shapes of the batch; onfit's own errors say what they need.

    >>> import torch
    >>> error = RuntimeError("shapes cannot be multiplied")
    >>> note_batch(error, torch.zeros(32, 8), None)
    >>> error.__notes__
    ['raised on a batch of x: float32 (32, 8), y: None']
    """
    if not isinstance(error, OnfitError):
        error.add_note(f"raised on a batch of x: {_form(x)}, y: {_form(y)}")


def _form(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {_form(of)}' for key, of in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_form, value))}]"
    return "None" if value is None else type(value).__name__
