"""What other libraries' trainers ask of a callback, which tells them apart.

A callback that is handed to such a trainer as it is lacks the attribute that the trainer asks for.
The error then says what to hand to it instead.
"""

import sys
from abc import ABCMeta
from typing import Any

from onfit.errors import ArgumentTypeError

# The attributes, each asked for by one trainer alone, and the trainer's name in
# `onfit.integrations`. Of several the first that the trainer asks for is enough.
_ASKED_BY = {
    "state_key": "lightning",
    "on_init_end": "transformers",
    "before_training": "xgboost",
    "attach": "ignite",
    "init_callback": "stable_baselines3",
    "run_before": "fastai",
    "order": "fastai",
    "initialize": "skorch",
    "on_backward_end": "poutyne",
}
# Those that a trainer asks for with a value to take where there is none, so that the absence of one
# is no error there.
_ASKED_GENTLY_BY = {"before_iteration": "lightgbm"}
# Abstract classes that a trainer looks for before it asks for an attribute.
_LOOKED_FOR = {
    "xgboost.callback": "TrainingCallback",
    "stable_baselines3.common.callbacks": "BaseCallback",
}
# Functions of trainers that take a callback without asking for an attribute, and look only whether
# its class is another one: their modules and names.
_TAKEN_BY = {
    ("lightning.pytorch.trainer.connectors.callback_connector", "on_trainer_init"): "lightning",
    (
        "pytorch_lightning.trainer.connectors.callback_connector",
        "on_trainer_init",
    ): "lightning",
    ("transformers.trainer_callback", "add_callback"): "transformers",
}


def refuse_attribute(callback: Any, name: str) -> Any:
    """The `__getattr__` of callbacks, for an attribute that one lacks.

    Raises:
        ArgumentTypeError: the same, to a trainer that would take the absence for an answer.
        AttributeError: which says what to write, if the name is one that a trainer asks for.
    """
    if hasattr(type(callback), name):  # a property that raised an AttributeError of its own
        return object.__getattribute__(callback, name)
    text = f"{type(callback).__name__!r} object has no attribute {name!r}"
    if name in _ASKED_GENTLY_BY:
        raise ArgumentTypeError(f"{text}. {instead(callback, _ASKED_GENTLY_BY[name])}")
    if library := _asking(callback, name):
        text = f"{text}. {instead(callback, library)}"
    raise AttributeError(text, name=name, obj=callback)


def _asking(callback: Any, name: str) -> str | None:
    """The trainer that asks for the attribute, if it is one."""
    if name == "name" and "learn" in vars(callback):  # a Learner of fastai has set this before
        return "fastai"
    return _ASKED_BY.get(name)


def class_for_trainers(callback: Any) -> type:
    """The `__class__` of callbacks, which Python asks for where a check of an object's class fails.

    A trainer's abstract class takes the callback's class for one of its own from then on. So its
    trainer goes on to ask for the attribute whose absence says what to write.

    Raises:
        ArgumentTypeError: to a trainer that asks for no attribute before it calls hooks.
    """
    kind, asking = type(callback), sys._getframe(1)
    place = asking.f_globals.get("__name__", ""), asking.f_code.co_name
    if library := _TAKEN_BY.get(place):
        raise ArgumentTypeError(
            f"{kind.__name__!r} object is a callback of onfit, and the trainer of {library} takes "
            f"callbacks of its own alone. {_hand(callback, library)}"
        )
    for module, name in _LOOKED_FOR.items():
        looked_for = getattr(sys.modules.get(module), name, None)
        if isinstance(looked_for, ABCMeta):
            looked_for.register(kind)
    return kind


def instead(callback: Any, library: str) -> str:
    """What to hand to a trainer of `library` instead of the callback."""
    says = f"{library} asks for it, whose trainer takes callbacks of its own alone."
    if library == "poutyne":
        return f"{says} Write one in ten lines, as docs/write-your-own.md does."
    return f"{says} {_hand(callback, library)}"


def _hand(callback: Any, library: str) -> str:
    name = type(callback).__name__
    return f"Hand it onfit.integrations.{library}.OnfitCallback([{name}(...)])."
