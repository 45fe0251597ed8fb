"""LambdaCallback: a callback made of functions."""

from collections.abc import Callable

from onfit._types import Hook
from onfit.core.callback import Callback
from onfit.core.hooks import ALL_NAMES, CLASSIC, nearest
from onfit.core.representation import checked_arguments
from onfit.errors import ArgumentError, ArgumentTypeError


class LambdaCallback(Callback):
    """Calls given functions, each at its hook.

    A hook that is not given costs nothing.

    Args:
        on_epoch_begin: called as `f(epoch, logs)` when an epoch starts.
        on_epoch_end: called as `f(epoch, logs)` when an epoch is over.
        on_batch_begin: called as `f(batch, logs)` when a training batch starts.
        on_batch_end: called as `f(batch, logs)` when a training batch is over.
        on_train_begin: called as `f(logs)` when training starts.
        on_train_end: called as `f(logs)` when training is over.
        **other_hooks: functions for any other hook of `Callback`, by its name, such as
            `on_test_end` or `on_exception`. They are called with arguments by position.

    Raises:
        ArgumentError: for a name that is no hook, or a hook given under both its names.
        ArgumentTypeError: for something that cannot be called.

    Example:
        >>> shout = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
        >>> shout.on_epoch_end(0, {"loss": 0.5})
        0 0.5
    """

    remembers = ()

    @checked_arguments
    def __init__(
        self,
        on_epoch_begin: Callable[..., object] | None = None,
        on_epoch_end: Callable[..., object] | None = None,
        on_batch_begin: Callable[..., object] | None = None,
        on_batch_end: Callable[..., object] | None = None,
        on_train_begin: Callable[..., object] | None = None,
        on_train_end: Callable[..., object] | None = None,
        **other_hooks: Callable[..., object] | None,
    ) -> None:
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_batch_begin": on_batch_begin,
            "on_batch_end": on_batch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            **other_hooks,
        }
        self.other_hooks = other_hooks
        given = {name: function for name, function in hooks.items() if function is not None}
        _check(set(hooks), given)
        # Attributes of the instance hide the empty methods of the class. A hook that is not given
        # keeps its empty method, which no run calls.
        vars(self).update(given)
        for newer, older in CLASSIC.items():  # two names of one hook
            if newer in given or older in given:
                function = given.get(newer) or given[older]
                vars(self).update({newer: function, older: function})


def _check(names: set[str], given: dict[str, Hook]) -> None:
    for name in sorted(names.difference(ALL_NAMES)):
        near = nearest(name)
        raise ArgumentError(
            f"LambdaCallback({name}=...): there is no hook {name!r}."
            f"{f' Did you mean {near!r}?' if near else ''} The hooks are: {', '.join(ALL_NAMES)}."
        )
    for name, function in given.items():
        if not callable(function):
            raise ArgumentTypeError(
                f"LambdaCallback({name}={function!r}): a hook is something to call, and this "
                f"is of type {type(function).__name__}. Pass a function."
            )
    for newer, older in CLASSIC.items():
        if newer in given and older in given:
            raise ArgumentError(
                f"LambdaCallback({older}=..., {newer}=...): these are two names of one hook, "
                "and only one of them would be called. Pass one function that does both."
            )
