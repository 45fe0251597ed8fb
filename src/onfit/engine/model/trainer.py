"""What a compiled model can do with data: fit, evaluate, predict."""

from collections.abc import Iterable
from typing import Any, Literal, overload

from numpy.typing import NDArray

from onfit._arguments import check_flags
from onfit._types import Callbacks
from onfit.callbacks.history import History
from onfit.engine.data.batching import Batching, Workers
from onfit.engine.data.class_weight import ForClasses
from onfit.engine.data.given import AnyData, ArrayData
from onfit.engine.data.validation import ValidationData
from onfit.engine.model import fit as fitting
from onfit.engine.model import generators
from onfit.engine.model.arguments import refuse_unknown, taking_names_of_keras_1
from onfit.engine.model.extent import Extent
from onfit.engine.model.one_batch import OneBatch, scalar_or_list


class Trainer(OneBatch):
    """The part of a model that trains, evaluates and predicts."""

    @taking_names_of_keras_1
    def fit(
        self,
        x: AnyData | None = None,
        y: ArrayData | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Callbacks = None,
        validation_split: float = 0.0,
        validation_data: AnyData | None = None,
        shuffle: bool = True,
        class_weight: ForClasses | None = None,
        sample_weight: ArrayData | None = None,
        initial_epoch: int = 0,
        steps_per_epoch: float | None = None,
        validation_steps: float | None = None,
        validation_freq: int | str | Iterable[int] = 1,
        validation_batch_size: int | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        steps: int | str | None = None,
        **old: Any,
    ) -> History:
        """Train the model.

        Args:
            x: inputs: an array, tensor or pandas object with one row per sample; for several
                inputs a list or dict of them. Or data that hold their targets, as `(x, y)` or
                `(x, y, sample_weight)`: a torch Dataset, of samples; a DataLoader, a generator
                or an `onfit.utils.Sequence`, of batches.
            y: targets, one per sample; for several outputs a list or dict of them.
            batch_size: samples per step; 32 if None.
            epochs: training ends before the epoch of this index; with `initial_epoch=0`, the
                number of epochs.
            verbose: 0 silent, 1 a bar per epoch, 2 a line per epoch; `"auto"` is 1, or 2 after
                `onfit.utils.disable_interactive_logging()`.
            callbacks: instances of `onfit.callbacks.Callback`.
            validation_split: the share of the samples, cut off the end, to validate on.
            validation_data: `(x, y)`, `(x, y, sample_weight)`, or data that hold their targets, in
                any form that `x` may have. Or several of these by name: `{"clean": (x, y),
                "noisy": loader}` logs `val_clean_loss`, `val_noisy_loss` ...; callbacks see
                the first as `validation_data`.
            shuffle: whether each epoch has a new order of the samples; of a Sequence, of its
                batches. A DataLoader or a generator has its own order.
            class_weight: the weight of each class's samples in the loss: a dict by class index, or
                an array; for several outputs a dict of these by output.
            sample_weight: weight of each sample in the loss, of shape (samples,); for several
                outputs also a list or dict of such.
            initial_epoch: the index of the first epoch, to go on from an earlier `fit`.
            steps_per_epoch: batches per epoch; the next epoch goes on where this one ended. A part
                of a batch, as in `samples / batch_size`, counts as one.
            validation_steps: batches to validate on, of each set.
            validation_freq: validate every so many epochs, or in these epochs (from 1). Text such
                as `"500 batches"`, `"10 minutes"` or `"5 epochs"` validates after the last epoch,
                too; of several validations within an epoch, its logs have the latest.
            validation_batch_size: samples per validation batch; `batch_size` if None.
            max_queue_size: how many batches of a Sequence the threads make in advance.
            workers: how many threads make these batches; with 0 or 1 there is no thread.
            use_multiprocessing: accepted, as in Keras; threads are used all the same.
            steps: train without epochs, until so many steps are done: a number, or text such as
                `"10_000 steps"`, `"1_000_000 samples"` or `"2 hours"`. The data are walked through
                again and again. `validation_freq="500 steps"` says when to validate; the end always
                does. Callbacks decide, and the History has a row, at each validation.
            **old: arguments under their names of Keras 1 (`nb_epoch`), with a warning; any other is
                an error that names the nearest argument.

        Returns:
            The `History`: `history.history["loss"]` is a list with one value per epoch.

        Raises:
            NotReadyError: if the model is not compiled.
            DataError: for data that cannot be used.
            ArgumentError: for an unknown argument, or a value that it cannot have.
        """
        refuse_unknown(Trainer.fit, old)
        return fitting.fit(
            self,
            x,
            y,
            sample_weight,
            Batching(
                batch_size,
                shuffle=shuffle,
                class_weight=class_weight,
                steps=steps_per_epoch,
                go_on=True,
                names=self.names,
                device=self.home,
                workers=Workers(workers, max_queue_size, use_multiprocessing),
            ),
            ValidationData(
                validation_data,
                validation_split,
                validation_batch_size,
                validation_steps,
                validation_freq,
            ),
            callbacks=callbacks,
            extent=Extent(epochs, initial_epoch, steps, steps_per_epoch),
            verbose=verbose,
        )

    @overload
    def evaluate(
        self,
        x: AnyData | None = None,
        y: ArrayData | None = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: ArrayData | None = None,
        steps: float | None = None,
        callbacks: Callbacks = None,
        *,
        return_dict: Literal[True],
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> dict[str, float]: ...
    @overload
    def evaluate(
        self,
        x: AnyData | None = None,
        y: ArrayData | None = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: ArrayData | None = None,
        steps: float | None = None,
        callbacks: Callbacks = None,
        return_dict: bool = False,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        **old: Any,
    ) -> Any: ...
    @taking_names_of_keras_1
    def evaluate(
        self,
        x: AnyData | None = None,
        y: ArrayData | None = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: ArrayData | None = None,
        steps: float | None = None,
        callbacks: Callbacks = None,
        return_dict: bool = False,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        **old: Any,
    ) -> Any:
        """Measure loss and metrics without training, and without leaving a trace in the model.

        Args:
            x: inputs, in any form that `fit` takes.
            y: targets.
            batch_size: samples per batch; 32 if None.
            verbose: 0 silent, 1 a bar, 2 a line; `"auto"` is 0 while this model is in training
                (in a hook of a callback), else as in `fit`.
            sample_weight: weight of each sample in the loss.
            steps: how many batches; all if None.
            callbacks: instances of `Callback`; their `on_test` hooks are called.
            return_dict: return `{name: value}`.
            max_queue_size: as in `fit`.
            workers: as in `fit`.
            use_multiprocessing: as in `fit`.
            **old: refused, with the nearest argument that there is.

        Returns:
            The loss, a float; with metrics a list of floats in the order of `metrics_names`.
        """
        refuse_unknown(Trainer.evaluate, old)
        check_flags("evaluate", return_dict=return_dict)
        logs = fitting.evaluate(
            self,
            x,
            y,
            sample_weight,
            Batching(
                batch_size,
                steps=steps,
                names=self.names,
                device=self.home,
                workers=Workers(workers, max_queue_size, use_multiprocessing),
            ),
            callbacks=callbacks,
            verbose=verbose,
        )
        return logs if return_dict else scalar_or_list(logs)

    @taking_names_of_keras_1
    def predict(
        self,
        x: AnyData,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: float | None = None,
        callbacks: Callbacks = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        **old: Any,
    ) -> NDArray[Any] | Any:
        """The model's outputs for `x`, as a numpy array (a list of them for several outputs).

        Args:
            x: inputs, in any form that `fit` takes; targets in them are ignored.
            batch_size: samples per batch; 32 if None.
            verbose: 0 silent, 1 a bar, 2 a line; `"auto"` is 0 while this model is in training
                (in a hook of a callback), else as in `fit`.
            steps: how many batches; all if None.
            callbacks: instances of `Callback`; their `on_predict` hooks are called.
            max_queue_size: as in `fit`.
            workers: as in `fit`.
            use_multiprocessing: as in `fit`.
            **old: refused, with the nearest argument that there is.
        """
        refuse_unknown(Trainer.predict, old)
        return fitting.predict(
            self,
            x,
            Batching(
                batch_size,
                steps=steps,
                names=self.names,
                device=self.home,
                workers=Workers(workers, max_queue_size, use_multiprocessing),
            ),
            callbacks=callbacks,
            verbose=verbose,
        )

    # Keras' older methods for generators, which do the same.
    fit_generator = generators.fit_generator
    evaluate_generator = generators.evaluate_generator
    predict_generator = generators.predict_generator
