"""The facts of a run, as callbacks see them."""

from typing import Any, Never

from onfit.errors import ArgumentError

# Facts that a callback cannot change by writing them, and what it can do instead.
_FIXED = {
    "epochs": "To end earlier, call request_stop(why); to go on, call fit with initial_epoch=.",
    "steps": "Pass steps_per_epoch= to fit.",
    "samples": "They are counted from the data.",
    "batch_size": "Pass batch_size= to fit, or give its own to the loader.",
    "do_validation": "Pass validation_data= or validation_split= to fit.",
    "decide_at": "Pass validation_freq= to fit, or decide_at= to Run.",
}


class Params(dict[str, Any]):
    """The facts of a run: a dict. A callback may write what acts (`verbose`, `metrics`) and keys of
    its own; to write another fact is an error, since the run would go on as before.

    Raises:
        ArgumentError: for such a fact.

    >>> params = Params(epochs=3, verbose=1)
    >>> params["verbose"] = 0
    >>> params["epochs"] = 9  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    onfit.errors.ArgumentError: params['epochs'] = 9 would change nothing: ...
    """

    def __setitem__(self, name: str, value: Any) -> None:
        if name in _FIXED and value != self.get(name):
            raise ArgumentError(
                f"params[{name!r}] = {value!r} would change nothing: params say what the run is "
                f"like. {_FIXED[name]}"
            )
        super().__setitem__(name, value)

    def update(self, *args: Any, **more: Any) -> None:
        for name, value in dict(*args, **more).items():
            self[name] = value

    def __ior__(self, other: Any) -> "Params":  # type: ignore[override, misc]
        self.update(other)
        return self

    def __delitem__(self, name: str) -> None:
        self[name] = None
        super().__delitem__(name)

    def pop(self, name: str, *default: Any) -> Any:
        if name in _FIXED:
            self[name] = None
        return super().pop(name, *default)

    def clear(self) -> Never:
        raise ArgumentError("params.clear() would change nothing: params say what the run is like.")

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, (dict(self),))


def note(params: dict[str, Any], **facts: Any) -> None:
    """Set facts of a run; for the session, which knows them."""
    dict.update(params, facts)
