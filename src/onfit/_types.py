"""Shared aliases for annotations; nothing here runs."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, Union

if TYPE_CHECKING:
    from onfit.core.callback import Callback

StrPath = str | os.PathLike[str]
Mode = Literal["min", "max"]
AskedMode = Literal["auto", "min", "max"]
Distribution = Literal["auto", "ddp", "fsdp"]
OnMissing = Literal["warn", "raise"]
LogValues = Mapping[str, Any]
Hook = Callable[..., object]
# What says which activation, regularizer or constraint is meant: a name, whatever can be called, or
# what `serialize` and Keras write down of it.
Identifier = str | Callable[..., Any] | Mapping[str, Any]


class HasHooks(Protocol):
    """A callback of another library, with Keras' hooks: of Keras itself, of W&B, of tqdm."""

    def set_model(self, model: Any, /) -> object:
        """Take the model."""

    def set_params(self, params: Any, /) -> object:
        """Take the facts of the run."""


class Schedules(Protocol):
    """A torch scheduler."""

    def get_last_lr(self) -> Any:
        """The rates of its optimizer's groups."""


# What `callbacks=` takes: one of these, several, or none.
AsCallback = Union["Callback", HasHooks, Schedules]
Callbacks = AsCallback | Iterable[AsCallback] | None
