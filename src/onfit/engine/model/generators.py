"""Keras' older methods: `fit`, `evaluate` and `predict` of generators, and of classes."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from onfit._types import Callbacks
from onfit.callbacks.history import History
from onfit.engine.data.class_weight import ForClasses
from onfit.engine.data.given import AnyData, ArrayData
from onfit.engine.model.arguments import refuse_unknown, taking_names_of_keras_1
from onfit.errors import ArgumentError

if TYPE_CHECKING:
    from onfit.engine.model.trainer import Trainer


@taking_names_of_keras_1
def fit_generator(
    model: "Trainer",
    generator: AnyData,
    steps_per_epoch: float | None = None,
    epochs: int = 1,
    verbose: int | str = 1,
    callbacks: Callbacks = None,
    validation_data: AnyData | None = None,
    validation_steps: float | None = None,
    validation_freq: int | str | Iterable[int] = 1,
    class_weight: ForClasses | None = None,
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
    refuse_unknown(fit_generator, old)
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


@taking_names_of_keras_1
def evaluate_generator(
    model: "Trainer",
    generator: AnyData,
    steps: float | None = None,
    callbacks: Callbacks = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: int | str = 0,
    **old: Any,
) -> Any:
    """`evaluate` for a generator or a Sequence. The arguments are those of `evaluate`."""
    refuse_unknown(evaluate_generator, old)
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


@taking_names_of_keras_1
def predict_generator(
    model: "Trainer",
    generator: AnyData,
    steps: float | None = None,
    callbacks: Callbacks = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: int | str = 0,
    **old: Any,
) -> NDArray[Any] | Any:
    """`predict` for a generator or a Sequence. The arguments are those of `predict`."""
    refuse_unknown(predict_generator, old)
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


def predict_proba(
    model: "Trainer", x: ArrayData, batch_size: int | None = None, verbose: int | str = 0
) -> NDArray[Any] | Any:
    """`predict` by another name, of Keras 1 and 2."""
    return model.predict(x, batch_size, verbose)


def predict_classes(
    model: "Trainer", x: ArrayData, batch_size: int | None = None, verbose: int | str = 0
) -> NDArray[Any] | Any:
    """The class of each sample: the largest of its outputs, or of one output if it is above 0.5."""
    outputs = model.predict(x, batch_size, verbose)
    return outputs.argmax(-1) if outputs.shape[-1] > 1 else (outputs > 0.5).astype("int32")


def _require_steps(generator: Any, **argument: float | None) -> None:
    """Refuse a generator without a number of steps: it may be endless."""
    ((name, steps),) = argument.items()
    if isinstance(generator, Iterator) and not hasattr(generator, "__len__") and steps is None:
        raise ArgumentError(
            f"{name}=None: a {type(generator).__name__} may go on for ever, so say how many "
            f"batches to take: {name}=... (A Sequence or a DataLoader has a length.)"
        )
