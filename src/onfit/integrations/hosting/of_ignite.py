"""What a session has to know of a run of Ignite's Engine."""

from collections.abc import Callable, Mapping
from typing import Any

from ignite.engine import Engine, Events

from onfit.core.sizes import batch_size
from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.integrations.hosting.callback import Hosting
from onfit.integrations.hosting.values import numbers_in

_WHICH = {
    "trainer": "Pass the one that trains the model.",
    "evaluator": "Of several pass the one whose values callbacks shall have as val_ values.",
}


def settings_of(trainer: Engine, validates: bool) -> dict[str, Any]:
    """The arguments of the session, from the engine that trains, and whether another validates."""
    first, epochs = trainer.state.epoch, trainer.state.max_epochs
    return {
        "epochs": epochs or first + 1,
        "initial_epoch": first,
        "params": {
            "steps": trainer.state.epoch_length,
            "total_steps": trainer.state.max_iters,
            "do_validation": validates,
        },
        "in_steps": epochs is None,
    }


def numbers_of(trainer: Engine) -> dict[str, Any]:
    """The numbers that the process function returned; a single one is the loss."""
    output = trainer.state.output
    return numbers_in(output if isinstance(output, Mapping) else {"loss": output})


def raises_errors(trainer: Engine, callback: Hosting) -> bool:
    """Whether `callback` has to raise what went wrong. An engine with a handler of exceptions does
    not, so the last one does, unless the user has one, too.
    """
    handlers = trainer._event_handlers[Events.EXCEPTION_RAISED]
    owners = [getattr(handler, "__self__", None) for handler, *_ in handlers]
    return owners[-1] is callback and all(isinstance(each, Hosting) for each in owners)


def check_engines(trainer: Any, evaluator: Any) -> None:
    """Raise an error for what cannot be attached."""
    for name, given in {"trainer": trainer, "evaluator": evaluator}.items():
        if not isinstance(given, Engine) and not (name == "evaluator" and given is None):
            raise ArgumentTypeError(
                f"attach({name}=...): {name} is one Engine of Ignite, and got "
                f"{type(given).__name__}. {_WHICH[name]}"
            )
    if evaluator is trainer:
        raise ArgumentError(
            "attach(trainer, evaluator): the evaluator is another engine than the trainer. Leave "
            "it out if none validates."
        )


def follow_evaluations(
    callback: Hosting, evaluator: Engine, stop_if: Callable[[bool], None]
) -> None:
    """Tell `callback` of the runs of an evaluator, and `stop_if` whether it has to stop then."""

    def batch_is_over() -> None:
        callback.evaluation_batch(batch_size(evaluator.state.batch))

    def run_is_over() -> None:
        stop_if(callback.evaluation_over(numbers_in(evaluator.state.metrics)))

    evaluator.add_event_handler(Events.STARTED, lambda: callback.evaluation_begin())
    evaluator.add_event_handler(Events.ITERATION_COMPLETED, batch_is_over)
    evaluator.add_event_handler(Events.COMPLETED, run_is_over)
