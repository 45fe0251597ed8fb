"""What the Trainer of transformers tells its callbacks, and what it takes from them."""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from onfit.callbacks.terminate_on_nan import TerminateOnNaN
from onfit.errors import ArgumentError, warn
from onfit.integrations.hosting.schedules import following, goes_on
from onfit.integrations.hosting.values import renamed

_Event = Callable[..., None]
_SPEEDS = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")
_EACH = "samples_per_second"
_ANEW = (
    "OnfitCallback(None): with restore_callback_states_from_checkpoint=True the Trainer makes "
    "callbacks anew, and does not know this one's. Leave that out: what they remember is there "
    "without it."
)


def heeded(event: _Event) -> _Event:
    """Let what callbacks ask for in an event of training, a rate or a stop, reach the Trainer."""

    @wraps(event)
    def heeding(self: Any, args: Any, state: Any, control: Any, **more: Any) -> None:
        with following(more["lr_scheduler"]):
            event(self, args, state, control, **more)
        if session := self.running:
            if goes_on(more["lr_scheduler"]):
                session.model.optimizer.rate_goes_on()
            control.should_training_stop = control.should_training_stop or session.stopping

    return heeding


def warn_of_hidden_nans(args: Any, callbacks: Iterable[Any]) -> None:
    """Warn that the Trainer hides from TerminateOnNaN what that looks for."""
    looks = any(isinstance(one, TerminateOnNaN) for one in callbacks)
    if looks and args.logging_nan_inf_filter:
        warn(
            "TerminateOnNaN sees no NaN in the Trainer of transformers, which leaves them out of "
            "the loss that it logs. Write TrainingArguments(logging_nan_inf_filter=False)."
        )


def settings_of(args: Any, state: Any, evaluations: int) -> dict[str, Any]:
    """The arguments of the session; `evaluations` come at a time."""
    size = args.train_batch_size * args.gradient_accumulation_steps
    steps = state.max_steps // state.num_train_epochs
    return {
        "epochs": state.num_train_epochs,
        "initial_epoch": int(state.epoch or 0),
        "params": {"batch_size": size, "steps": steps, "total_steps": state.max_steps},
        "decide_at": "validations" if args.eval_strategy == "steps" else "epochs",
        "in_steps": args.max_steps > 0,
        "size": size,
        "step": state.global_step,
        "evaluations": evaluations,
    }


def require_given(callbacks: Any) -> None:
    """Refuse to be made anew without callbacks, as the Trainer does from a checkpoint."""
    if callbacks is None:
        raise ArgumentError(_ANEW)


def trained(logs: Mapping[str, Any]) -> dict[str, Any]:
    """What the Trainer logs of the training alone; the summary at the end is no part of it."""
    own = {name: logs[name] for name in logs if name != "epoch" and name[:5] != "eval_"}
    return {} if "train_runtime" in own else own


def evaluated(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What an evaluation measured, but for the speeds that the Trainer adds: of a set `a` these are
    `a_runtime` and so on.
    """
    named = renamed(metrics, {"eval_": ""})
    sets = [name.removesuffix(_EACH) for name in named if name.endswith(_EACH)]
    left_out = {"epoch", *(one + speed for one in sets for speed in _SPEEDS)}
    return {name: value for name, value in named.items() if name not in left_out}


def memory_in(state: Any, name: str) -> str | None:
    """What the callback of this name had to remember, from the Trainer's checkpoint.

    Raises:
        ArgumentError: if there are several of them.
    """
    kept = state.stateful_callbacks.get(name, {"attributes": {}})
    if isinstance(kept, list):
        raise ArgumentError(
            "the checkpoint is of several OnfitCallbacks, whose memories cannot be kept apart. "
            "Pass all callbacks to one, OnfitCallback([...]), and begin anew."
        )
    memory: str | None = kept["attributes"].get("memory")
    return memory
