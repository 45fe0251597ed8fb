"""Keras' older methods for generators: `fit`, `evaluate` and `predict` under other names."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from onfit.callbacks.history import History
from onfit.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    from onfit.engine.model.trainer import Trainer

# Arguments of Keras 1, and the arguments that replaced them.
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
    """`fit` for a generator or a Sequence. The arguments are those of `fit`, which takes both too.

    Raises:
        ArgumentError: for a generator without a number of steps.
    """
    _refuse_old(fit_generator, old)
    _require_steps(generator, steps_per_epoch=steps_per_epoch)
    _require_steps(validation_data, validation_steps=validation_steps)
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
    """`evaluate` for a generator or a Sequence. The arguments are those of `evaluate`."""
    _refuse_old(evaluate_generator, old)
    _require_steps(generator, steps=steps)
    return model.evaluate(
        generator,
        verbose=verbose,
        steps=steps,
        callbacks=callbacks,
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
    """`predict` for a generator or a Sequence. The arguments are those of `predict`."""
    _refuse_old(predict_generator, old)
    _require_steps(generator, steps=steps)
    return model.predict(
        generator,
        verbose=verbose,
        steps=steps,
        callbacks=callbacks,
        max_queue_size=max_queue_size,
        workers=workers,
        use_multiprocessing=use_multiprocessing,
    )


def _require_steps(generator: Any, **argument: int | None) -> None:
    """Refuse a generator without a number of steps: it may be endless."""
    ((name, steps),) = argument.items()
    if isinstance(generator, Iterator) and steps is None:
        raise ArgumentError(
            f"{name}=None: a {type(generator).__name__} may go on for ever, so say how many "
            f"batches to take: {name}=... (A Sequence or a DataLoader has a length.)"
        )


def _refuse_old(method: Callable[..., Any], old: dict[str, Any]) -> None:
    for name in old.keys() & _SUCCESSORS:
        raise ArgumentError(
            f"{method.__name__}({name}=...) is an argument of Keras 1. Use {_SUCCESSORS[name]}."
        )
    refuse_unknown(method, old)


def refuse_unknown(method: Callable[..., Any], unknown: Iterable[str]) -> None:
    """Refuse arguments that `method` does not have.

    Raises:
        ArgumentError: if there is one; it names the nearest argument of `method`.
    """
    for name in unknown:
        known = list(inspect.signature(method).parameters)[1:-1]  # not `self`, not `**old`
        raise ArgumentError(
            f"{method.__name__}({name}=...) is not an argument of {method.__name__}."
            f"{did_you_mean(name, known)}"
        )
