"""What a compiled model can do: fit, evaluate, predict, one batch at a time or many."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from onfit._types import Mode
from onfit.activations import Activation
from onfit.callbacks.history import History
from onfit.engine import fit as fitting
from onfit.engine import generators
from onfit.engine.arrays import Names, Samples
from onfit.engine.compiled import Compiled
from onfit.engine.given import TrainingData, ValidationData
from onfit.engine.objective import Objective
from onfit.engine.resume import load_model_state, model_state
from onfit.engine.sequences import read_ahead
from onfit.errors import ArgumentError, NotReadyError, did_you_mean
from onfit.layers.modes import evaluating
from onfit.layers.shapes import Shape
from onfit.optimizers import Optimizer


class Trainer(nn.Module):
    """A torch module that can be compiled and fitted; what `Model` is when it trains.

    Args:
        name: its name.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__()
        self.name = name or type(self).__name__.lower()
        self.stop_training = False
        self.history: History | None = None
        self.input_names: list[str] | None = None
        self.output_names: list[str] = ["output"]
        self.judge: Objective | None = None
        self._compiled: Compiled | None = None

    # --- what a kind of model decides ----------------------------------------------------

    @property
    def built(self) -> bool:
        """Whether all its weights exist."""
        others = (module for module in self.modules() if module is not self)
        return all(getattr(module, "built", True) for module in others)

    def ensure_built(self, given: Any) -> None:
        """Make the weights that wait for the first batch; `given` is one, or its shape."""
        if not self.built and isinstance(given, Samples):
            with evaluating(self):
                self(given.x)

    @property
    def output_activations(self) -> list[Activation | None]:
        """For each output, the activation it goes through last, if `logits` can leave it out."""
        return [None] * len(self.output_names)

    def logits(self, x: Any, wanted: Sequence[bool] = (True,)) -> Any:
        """The outputs, those that are `wanted` so before their last activation."""
        return self(x)

    @property
    def input_shapes(self) -> Sequence[Shape | None]:
        """The shapes of its inputs, batch axis first; empty if nobody knows."""
        return ()

    @property
    def names(self) -> Names:
        """What its inputs and outputs are called, and the inputs' shapes where it knows them."""
        return Names(self.input_names, self.output_names, self.input_shapes)

    @property
    def device(self) -> torch.device | None:
        """Where its parameters are; None if it has none."""
        first = next(self.parameters(), None)
        return None if first is None else first.device

    @property
    def described(self) -> str:
        """How errors speak of this model."""
        return f"{type(self).__name__} {self.name!r}"

    # --- compile -------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
    ) -> None:
        """Say how to train.

        Args:
            optimizer: a name, an `onfit.optimizers.Optimizer`, a torch optimizer over this
                model's parameters, or a torch optimizer class (or other factory).
            loss: a name, an `onfit.losses.Loss`, a torch loss, or a function of
                `(y_true, y_pred)`.
            metrics: names or functions; logged under the names written here.
            loss_weights: factors of the losses of several outputs, a list or dict. For several
                outputs, `loss` and `metrics` too may be lists or dicts by output.

        Raises:
            ArgumentError: for unknown names, with the nearest known one.
        """
        self._compiled = Compiled(optimizer, loss, metrics, loss_weights, self.output_names)

    @property
    def compiled(self) -> Compiled:
        """What `compile` received.

        Raises:
            NotReadyError: if it was not called.
        """
        if self._compiled is None:
            raise NotReadyError(
                f"{self.described} is not compiled. Call "
                "model.compile(optimizer=..., loss=..., metrics=[...]) first."
            )
        return self._compiled

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer; None before `compile`."""
        return None if self._compiled is None else self._compiled.optimizer

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns; empty before `compile`."""
        return [] if self._compiled is None else self._compiled.names

    def metric_direction(self, monitor: str) -> Mode | None:
        """Whether the quantity of this log name should grow or shrink, if its metric knows."""
        return None if self._compiled is None else self._compiled.direction(monitor)

    @property
    def trainable_weights(self) -> list[Tensor]:
        """The parameters that training changes."""
        return [param for param in self.parameters() if param.requires_grad]

    # Keras' newer name for the same.
    trainable_variables = trainable_weights

    # --- resuming ------------------------------------------------------------------------

    def state_for_resume(self) -> dict[str, Any]:
        """Weights, optimizer and generators as plain data and tensors."""
        return model_state(self, self.optimizer)

    def load_state_for_resume(self, state: dict[str, Any]) -> None:
        """Go on from there.

        Raises:
            FileFormatError: if weights or optimizer are others; nothing is changed then.
        """
        load_model_state(self, self.optimizer, state)

    # --- steps, for a subclass to write --------------------------------------------------

    def train_step(self, data: tuple[Any, ...]) -> dict[str, Any]:
        """Learn from one batch. A subclass may write its own; `fit` then calls that.

        Args:
            data: `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            This batch's values by name; `fit` makes sample-weighted means of them.

        Example:
            >>> class MyModel(Trainer):
            ...     def train_step(self, data):
            ...         x, y = data
            ...         loss = self.compute_loss(y=y, y_pred=self(x))
            ...         grads = torch.autograd.grad(loss, self.trainable_weights)
            ...         self.optimizer.apply(grads)
            ...         return {"loss": loss}
        """
        x, y, weight = [*data, None][:3]
        y_pred = self(x)
        loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=weight)
        assert self.optimizer is not None, "compile comes first"
        params = self.trainable_weights
        self.optimizer.apply(torch.autograd.grad(loss, params, allow_unused=True))
        return {"loss": loss, **self.compute_metrics(y=y, y_pred=y_pred)}

    def test_step(self, data: tuple[Any, ...]) -> dict[str, Any]:
        """Measure one batch. A subclass may write its own; arguments are those of train_step."""
        x, y, weight = [*data, None][:3]
        y_pred = self(x)
        loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=weight)
        return {"loss": loss, **self.compute_metrics(y=y, y_pred=y_pred)}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> Tensor:
        """The loss that `compile` received, of outputs, with all penalties added: a scalar."""
        return self._judge().losses(y, y_pred, sample_weight)[0]

    def compute_metrics(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> dict[str, Tensor]:
        """The metrics that `compile` received, of outputs, by name; this batch's values, and of
        metrics that keep a state those so far in this epoch.
        """
        judge = self._judge()
        with torch.no_grad():
            means = iter(judge.measure(y, y_pred))
        stateful = judge.stateful
        return {
            name: stateful[name].result() if name in stateful else next(means)
            for name in self.compiled.named_metrics
        }

    def _judge(self) -> Objective:
        """What judges outputs: in a step of `fit`, that step's own."""
        return self.judge or Objective(self, self.compiled, behind_activations=False)

    # --- training and its relatives ------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_freq: int | Iterable[int] = 1,
        validation_batch_size: int | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        **old: Any,
    ) -> History:
        """Train.

        Args:
            x: inputs: an array, tensor or pandas object with one row per sample; for several
                inputs a list or dict of them. Or what brings its targets along, as `(x, y)` or
                `(x, y, sample_weight)`: a torch Dataset, of samples; a DataLoader, a generator
                or an `onfit.utils.Sequence`, of batches.
            y: targets, one per sample; for several outputs a list or dict of them.
            batch_size: samples per step; 32 if None.
            epochs: the index of the epoch to stop before.
            verbose: 0 silent, 1 a bar per epoch, 2 a line per epoch; `"auto"` is 1.
            callbacks: instances of `onfit.callbacks.Callback`.
            validation_split: the share of the samples, cut off the end, to validate on.
            validation_data: `(x, y)`, `(x, y, sample_weight)`, or anything that `x` may be that
                brings its targets along.
            shuffle: a new order of the samples each epoch; of the batches of a Sequence. A
                DataLoader or a generator has its own.
            class_weight: dict from class index to the weight of its samples in the loss.
            sample_weight: weight of each sample in the loss, of shape (samples,); for several
                outputs also a list or dict of such.
            initial_epoch: the index of the first epoch, to go on from an earlier `fit`.
            steps_per_epoch: batches per epoch; the next epoch goes on where this one ended.
            validation_steps: batches to validate on.
            validation_freq: validate every so many epochs, or in these epochs (from 1).
            validation_batch_size: samples per validation batch; `batch_size` if None.
            max_queue_size: batches of a Sequence to make ahead of their use.
            workers: threads that make them; up to 1 the training makes each itself.
            use_multiprocessing: accepted for Keras' sake; threads are used even so.
            **old: arguments of older versions; each is an error that names its successor.

        Returns:
            The `History`: `history.history["loss"]` is a list with one value per epoch.

        Raises:
            NotReadyError: if the model is not compiled.
            DataError: for data that cannot be used.
            ArgumentError: for arguments that cannot be meant.
        """
        if old:
            raise ArgumentError(_unknown_argument("fit", old, fitting.FIT_ARGUMENTS))
        x = read_ahead(x, workers, max_queue_size, use_multiprocessing)
        return fitting.fit(
            self,
            TrainingData(x, y, sample_weight, batch_size, shuffle, class_weight, steps_per_epoch),
            ValidationData(
                validation_data,
                validation_split,
                validation_batch_size,
                validation_steps,
                validation_freq,
            ),
            callbacks=callbacks,
            epochs=epochs,
            initial_epoch=initial_epoch,
            verbose=verbose,
        )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Any:
        """Measure loss and metrics without training, and without leaving a trace in the model.

        Args:
            x: inputs, in any form that `fit` takes.
            y: targets.
            batch_size: samples per batch; 32 if None.
            verbose: 1 for a bar.
            sample_weight: weight of each sample in the loss.
            steps: how many batches; all if None.
            callbacks: told of the `on_test` hooks.
            return_dict: return `{name: value}`.
            max_queue_size: as in `fit`.
            workers: as in `fit`.
            use_multiprocessing: as in `fit`.

        Returns:
            The loss, a float; with metrics a list of floats in the order of `metrics_names`.
        """
        logs = fitting.evaluate(
            self,
            read_ahead(x, workers, max_queue_size, use_multiprocessing),
            y,
            sample_weight,
            batch_size=batch_size,
            steps=steps,
            callbacks=callbacks,
            verbose=verbose,
        )
        return logs if return_dict else _scalar_or_list(logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Any:
        """The model's outputs for `x`, as a numpy array (a list of them for several outputs).

        Args:
            x: inputs, in any form that `fit` takes; targets that it brings along are ignored.
            batch_size: samples per batch; 32 if None.
            verbose: 1 for a bar.
            steps: how many batches; all if None.
            callbacks: told of the `on_predict` hooks.
            max_queue_size: as in `fit`.
            workers: as in `fit`.
            use_multiprocessing: as in `fit`.
        """
        x = read_ahead(x, workers, max_queue_size, use_multiprocessing)
        return fitting.predict(
            self, x, batch_size=batch_size, steps=steps, callbacks=callbacks, verbose=verbose
        )

    # Keras' older methods for generators, which do the same.
    fit_generator = generators.fit_generator
    evaluate_generator = generators.evaluate_generator
    predict_generator = generators.predict_generator

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Take one step of training; return its loss, or a list of loss and metrics."""
        logs = fitting.train_on_batch(self, x, y, sample_weight, class_weight)
        return logs if return_dict else _scalar_or_list(logs)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Measure one batch; return its loss, or a list of loss and metrics."""
        logs = fitting.test_on_batch(self, x, y, sample_weight)
        return logs if return_dict else _scalar_or_list(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as numpy."""
        return fitting.predict_on_batch(self, x)


def _scalar_or_list(logs: dict[str, float]) -> float | list[float]:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values


def _unknown_argument(method: str, old: dict[str, Any], known: Iterable[str]) -> str:
    name = next(iter(old))
    if name == "nb_epoch":
        return f"{method}(nb_epoch=...) is called epochs since Keras 2. Write epochs=..."
    return f"{method}({name}=...) is not an argument of {method}.{did_you_mean(name, known)}"
