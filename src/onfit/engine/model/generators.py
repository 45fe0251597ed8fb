"""Keras' older methods for generators: fit, evaluate and predict under other argument names."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from onfit.callbacks.history import History
from onfit.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    from onfit.engine.model.trainer import Trainer

# Arguments of Keras 1, and what took their place.
_SUCCESSORS = {
    "samples_per_epoch": "steps_per_epoch, which counts batches: samples / batch size",
    "nb_epoch": "epochs",
    "nb_val_samples": "validation_steps, which counts batches: samples / batch size",
    "val_samples": "steps, which counts batches: samples / batch size",
    "max_q_size": "max_queue_size",
    "nb_worker": "workers",
    "nb_workers": "workers",
    "pickle_safe": "use_multiprocessing",
}


def fit_generator(
    model: "Trainer",
    generator: Any,
    steps_per_epoch: int | None = None,
    epochs: int = 1,
    verbose: int | str = 1,
    callbacks: Any = None,
    validation_data: Any = None,
    validation_steps: int | None = None,
    validation_freq: int | Iterable[int] = 1,
    class_weight: dict[int, float] | None = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    shuffle: bool = True,
    initial_epoch: int = 0,
    **old: Any,
) -> History:
    """Train on what a generator or a Sequence yields; `fit` takes both too.

    Args:
        model: the model; `self`, when called as its method.
        generator: yields `(x, y)` or `(x, y, sample_weight)`, or is an `onfit.utils.Sequence`.
        steps_per_epoch: batches per epoch; needed with a generator.
        epochs: the index of the epoch to stop before.
        verbose: 0 silent, 1 a bar per epoch, 2 a line per epoch.
        callbacks: instances of `onfit.callbacks.Callback`.
        validation_data: `(x, y)`, `(x, y, sample_weight)`, a generator or a Sequence.
        validation_steps: batches to validate on; needed with a generator.
        validation_freq: validate every so many epochs, or in these epochs (from 1).
        class_weight: dict from class index to the weight of its samples in the loss.
        max_queue_size: batches of a Sequence to make ahead of their use.
        workers: threads that make them; up to 1 the training makes each itself.
        use_multiprocessing: accepted for Keras' sake; threads are used even so.
        shuffle: a new order of the batches each epoch; for a Sequence.
        initial_epoch: the index of the first epoch.
        **old: arguments of older versions; each is an error that names its successor.

    Returns:
        The `History`, as from `fit`.

    Raises:
        ArgumentError: for a generator without a number of steps.
    """
    _refuse_old("fit_generator", old)
    _require_steps("steps_per_epoch", generator, steps_per_epoch)
    _require_steps("validation_steps", validation_data, validation_steps)
    return model.fit(
        generator,
        epochs=epochs,
        verbose=verbose,
        callbacks=callbacks,
        validation_data=validation_data,
        shuffle=shuffle,
        class_weight=class_weight,
        initial_epoch=initial_epoch,
        steps_per_epoch=steps_per_epoch,
        validation_steps=validation_steps,
        validation_freq=validation_freq,
        max_queue_size=max_queue_size,
        workers=workers,
        use_multiprocessing=use_multiprocessing,
    )


def evaluate_generator(
    model: "Trainer",
    generator: Any,
    steps: int | None = None,
    callbacks: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: int | str = 0,
    **old: Any,
) -> Any:
    """Loss and metrics on what a generator or a Sequence yields; `evaluate` takes both too.

    Args:
        model: the model; `self`, when called as its method.
        generator: yields `(x, y)` or `(x, y, sample_weight)`, or is an `onfit.utils.Sequence`.
        steps: how many batches; needed with a generator.
        callbacks: told of the `on_test` hooks.
        max_queue_size: batches of a Sequence to make ahead of their use.
        workers: threads that make them.
        use_multiprocessing: accepted for Keras' sake; threads are used even so.
        verbose: 1 for a bar.
        **old: arguments of older versions; each is an error that names its successor.

    Returns:
        The loss, or a list of loss and metrics, as from `evaluate`.

    Raises:
        ArgumentError: for a generator without a number of steps.
    """
    _refuse_old("evaluate_generator", old)
    _require_steps("steps", generator, steps)
    return model.evaluate(
        generator,
        steps=steps,
        callbacks=callbacks,
        verbose=verbose,
        max_queue_size=max_queue_size,
        workers=workers,
        use_multiprocessing=use_multiprocessing,
    )


def predict_generator(
    model: "Trainer",
    generator: Any,
    steps: int | None = None,
    callbacks: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: int | str = 0,
    **old: Any,
) -> Any:
    """Outputs for what a generator or a Sequence yields; `predict` takes both too.

    Args:
        model: the model; `self`, when called as its method.
        generator: yields `x`, or tuples of which the first is; or is an `onfit.utils.Sequence`.
        steps: how many batches; needed with a generator.
        callbacks: told of the `on_predict` hooks.
        max_queue_size: batches of a Sequence to make ahead of their use.
        workers: threads that make them.
        use_multiprocessing: accepted for Keras' sake; threads are used even so.
        verbose: 1 for a bar.
        **old: arguments of older versions; each is an error that names its successor.

    Returns:
        The outputs as numpy, as from `predict`.

    Raises:
        ArgumentError: for a generator without a number of steps.
    """
    _refuse_old("predict_generator", old)
    _require_steps("steps", generator, steps)
    return model.predict(
        generator,
        steps=steps,
        callbacks=callbacks,
        verbose=verbose,
        max_queue_size=max_queue_size,
        workers=workers,
        use_multiprocessing=use_multiprocessing,
    )


def _require_steps(argument: str, generator: Any, steps: int | None) -> None:
    """A generator for these methods may be endless, so nobody would know when to stop."""
    if isinstance(generator, Iterator) and steps is None:
        raise ArgumentError(
            f"{argument}=None: a {type(generator).__name__} may go on for ever, so say how many "
            f"batches to take: {argument}=... (A Sequence or a DataLoader has a length.)"
        )


def _refuse_old(method: str, old: dict[str, Any]) -> None:
    for name in old:
        successor = _SUCCESSORS.get(name)
        if successor is not None:
            raise ArgumentError(f"{method}({name}=...) is an argument of Keras 1. Use {successor}.")
        raise ArgumentError(
            f"{method}({name}=...) is not an argument of {method}."
            f"{did_you_mean(name, _KNOWN[method])}"
        )


_KNOWN = {
    function.__name__: function.__code__.co_varnames[1 : function.__code__.co_argcount]
    for function in (fit_generator, evaluate_generator, predict_generator)
}
