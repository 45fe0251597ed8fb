"""What a session has to know of a run of Ignite's Engine."""

from collections.abc import Mapping
from typing import Any

from ignite.engine import Engine, Events

from onfit.integrations.hosting.values import numbers_in


def settings_of(trainer: Engine) -> dict[str, Any]:
    """The arguments of the session, from the engine that trains."""
    first, epochs = trainer.state.epoch, trainer.state.max_epochs
    return {
        "epochs": epochs or first + 1,
        "initial_epoch": first,
        "params": {"steps": trainer.state.epoch_length, "total_steps": trainer.state.max_iters},
        "in_steps": epochs is None,
    }


def numbers_of(trainer: Engine) -> dict[str, Any]:
    """The numbers that the process function returned; a single one is the loss."""
    output = trainer.state.output
    return numbers_in(output if isinstance(output, Mapping) else {"loss": output})


def raises_errors(trainer: Engine) -> bool:
    """Whether an engine raises what went wrong: one with a handler of exceptions does not."""
    return not trainer._event_handlers.get(Events.EXCEPTION_RAISED)
