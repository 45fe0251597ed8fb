"""What other libraries' trainers ask of a callback, which tells them apart.

A callback that is handed to such a trainer as it is lacks the attribute that the trainer asks for.
The error then says what to hand to it instead.
"""

from typing import Any

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
}


def refuse_attribute(callback: Any, name: str) -> Any:
    """The `__getattr__` of callbacks, for an attribute that one lacks.

    Raises:
        AttributeError: which says what to write, if the name is one that a trainer asks for.
    """
    if hasattr(type(callback), name):  # a property that raised an AttributeError of its own
        return object.__getattribute__(callback, name)
    kind = type(callback).__name__
    text = f"{kind!r} object has no attribute {name!r}"
    if name in _ASKED_BY:
        text = f"{text}. {instead(callback, _ASKED_BY[name])}"
    raise AttributeError(text, name=name, obj=callback)


def instead(callback: Any, library: str) -> str:
    """What to hand to a trainer of `library` instead of the callback."""
    return (
        f"{library} asks for it, whose trainer takes callbacks of its own alone. Hand it "
        f"onfit.integrations.{library}.OnfitCallback([{type(callback).__name__}(...)])."
    )
