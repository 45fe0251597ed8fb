"""Model: a torch module that can be compiled, fitted, evaluated, saved."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from onfit._types import Mode, StrPath
from onfit.activations import Activation
from onfit.callbacks.history import History
from onfit.engine import fit as fitting
from onfit.engine import saving
from onfit.engine import weights as weighing
from onfit.engine.arrays import Names
from onfit.engine.compiled import Compiled
from onfit.engine.given import TrainingData, ValidationData
from onfit.engine.summary import summary_of
from onfit.errors import ArgumentError, NotReadyError, did_you_mean
from onfit.layers.graph import Traced, is_symbolic, record
from onfit.optimizers import Optimizer


class Model(nn.Module, Traced):
    """A torch module with Keras' way of training.

    `Model(net)` puts any torch module behind this face; `Sequential` is a stack of layers.
    A subclass with a `forward` of its own is a model too.

    Args:
        net: the module to train, for `Model(net)`.
        name: its name.

    Attributes:
        stop_training: set it to True in any callback to stop; see `onfit.Run`.
        history: the `History` of the last `fit`; None before.

    Example:
        >>> model = Model(nn.Linear(2, 1))
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> history = model.fit(torch.zeros(8, 2), torch.zeros(8), epochs=2, verbose=0)
        >>> len(history.history["loss"])
        2
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> "Model":
        if cls is not Model or not (args or {"inputs", "outputs"} & kwargs.keys()):
            return super().__new__(cls)
        # Imported here because both are Models themselves.
        if isinstance(args[0] if args else None, nn.Module):
            from onfit.engine.wrapped import Wrapped

            return super().__new__(Wrapped)
        from onfit.engine.functional import Functional

        return super().__new__(Functional)

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__()
        self.name = name or type(self).__name__.lower()
        self.stop_training = False
        self.history: History | None = None
        self.nodes = []
        self.input_names: list[str] | None = None
        self.output_names: list[str] = ["output"]
        self._compiled: Compiled | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; or, called on symbols, become a layer of another model."""
        if is_symbolic(args):
            return record(self, args, kwargs)
        return super().__call__(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        # Where it was called belongs to the model that copies or pickles it, and is noted anew.
        return {**self.__dict__, "nodes": []}

    # --- what a kind of model decides ----------------------------------------------------

    @property
    def layers(self) -> list[nn.Module]:
        """Its layers, from input to output."""
        return list(self.children())

    @property
    def built(self) -> bool:
        """Whether all its weights exist."""
        return True

    def ensure_built(self, given: Any) -> None:
        """Make the weights that wait for the first batch; `given` is one, or its shape."""

    @property
    def output_activations(self) -> list[Activation | None]:
        """For each output, the activation it goes through last, if `logits` can leave it out."""
        return [None] * len(self.output_names)

    def logits(self, x: Any, wanted: Sequence[bool] = (True,)) -> Any:
        """The outputs, those that are `wanted` so before their last activation."""
        return self(x)

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
        **old: Any,
    ) -> History:
        """Train.

        Args:
            x: inputs: a numpy array or tensor with one row per sample, or a DataLoader that
                yields `(x, y)` or `(x, y, sample_weight)`.
            y: targets, one per sample; None with a loader.
            batch_size: samples per step; 32 if None.
            epochs: the index of the epoch to stop before.
            verbose: 0 silent, 1 a bar per epoch, 2 a line per epoch; `"auto"` is 1.
            callbacks: instances of `onfit.callbacks.Callback`.
            validation_split: the share of the samples, cut off the end, to validate on.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or a loader to validate on.
            shuffle: a new order of the samples each epoch. Loaders have their own.
            class_weight: dict from class index to the weight of its samples in the loss.
            sample_weight: weight of each sample in the loss, of shape (samples,).
            initial_epoch: the index of the first epoch, to go on from an earlier `fit`.
            steps_per_epoch: batches per epoch; the next epoch goes on where this one ended.
            validation_steps: batches to validate on.
            validation_freq: validate every so many epochs, or in these epochs (from 1).
            validation_batch_size: samples per validation batch; `batch_size` if None.
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
    ) -> Any:
        """Measure loss and metrics without training, and without leaving a trace in the model.

        Args:
            x: inputs, or a loader, as in `fit`.
            y: targets.
            batch_size: samples per batch; 32 if None.
            verbose: 1 for a bar.
            sample_weight: weight of each sample in the loss.
            steps: how many batches; all if None.
            callbacks: told of the `on_test` hooks.
            return_dict: return `{name: value}`.

        Returns:
            The loss, a float; with metrics a list of floats in the order of `metrics_names`.
        """
        logs = fitting.evaluate(
            self,
            x,
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
    ) -> Any:
        """The model's outputs for `x`, as a numpy array (a list of them for several outputs).

        Args:
            x: inputs, or a loader; targets that a loader yields are ignored.
            batch_size: samples per batch; 32 if None.
            verbose: 1 for a bar.
            steps: how many batches; all if None.
            callbacks: told of the `on_predict` hooks.
        """
        return fitting.predict(
            self, x, batch_size=batch_size, steps=steps, callbacks=callbacks, verbose=verbose
        )

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

    # --- weights and files ---------------------------------------------------------------

    def get_weights(self, out: list[Any] | None = None) -> list[Any]:
        """Copies of all weights as numpy arrays: layer by layer, parameters, then buffers.

        Args:
            out: what an earlier call returned, to be filled anew instead of making new arrays.
        """
        self._require_built("get_weights")
        return weighing.get_weights(self, out)

    def set_weights(self, weights: list[Any]) -> None:
        """Put arrays in the order of `get_weights` in the weights' place.

        Raises:
            ShapeError: if number or shapes differ; nothing is changed then.
        """
        self._require_built("set_weights")
        weighing.set_weights(self, weights, self.described)

    def named_weights(self) -> list[tuple[str, Tensor]]:
        """Pairs of a readable name and a tensor, in the order of `get_weights`."""
        return weighing.named_weights(self)

    def save(self, filepath: StrPath, overwrite: bool = True) -> None:
        """Write the whole model, `.h5` or `.hdf5`: layers, weights, optimizer, what `compile` got.

        The file is written beside `filepath` and then put in its place: a crash on the way
        leaves the old one whole.
        """
        self._require_built("save")
        saving.save_model(self, filepath, overwrite=overwrite)

    def save_weights(self, filepath: StrPath, overwrite: bool = True) -> None:
        """Write the weights alone, `.h5` or `.hdf5`."""
        self._require_built("save_weights")
        saving.save_weights(self, filepath, overwrite=overwrite)

    def load_weights(self, filepath: StrPath) -> None:
        """Read the weights of a file that `save` or `save_weights` wrote.

        Raises:
            FileFormatError: if the file holds something else; nothing is changed then.
        """
        self._require_built("load_weights")
        saving.load_weights(self, filepath)

    def count_params(self) -> int:
        """How many numbers its weights hold."""
        return sum(tensor.numel() for _, tensor in self.named_weights())

    def get_layer(self, name: str | None = None, index: int | None = None) -> nn.Module:
        """The layer of that name, or at that index.

        Raises:
            ArgumentError: if there is none.
        """
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ArgumentError(
                    f"get_layer(index={index}): {self.described} has {len(self.layers)} layers."
                )
            return self.layers[index]
        names = dict(self.named_children())
        names |= {str(getattr(layer, "name", "")): layer for layer in self.layers}
        if name not in names:
            raise ArgumentError(
                f"get_layer({name!r}): {self.described} has no such layer. It has "
                f"{', '.join(filter(None, names))}.{did_you_mean(name, names)}"
            )
        return names[name]

    def summary(self, print_fn: Any = print) -> None:
        """Print a table of its layers, their output shapes and numbers of weights."""
        self._require_built("summary")
        print_fn(summary_of(self))

    @property
    def described(self) -> str:
        """How errors speak of this model."""
        return f"{type(self).__name__} {self.name!r}"

    @property
    def names(self) -> Names:
        """What its inputs and outputs are called."""
        return Names(self.input_names, self.output_names)

    @property
    def device(self) -> torch.device | None:
        """Where its parameters are; None if it has none."""
        first = next(self.parameters(), None)
        return None if first is None else first.device

    def _require_built(self, asked: str) -> None:
        if not self.built:
            raise NotReadyError(
                f"{self.described}.{asked}() needs weights, and they wait for the shape of the "
                "input. Give the first layer input_shape=..., call model.build((None, ...)), or "
                "fit once."
            )


def _scalar_or_list(logs: dict[str, float]) -> float | list[float]:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values


def _unknown_argument(method: str, old: dict[str, Any], known: Iterable[str]) -> str:
    name = next(iter(old))
    if name == "nb_epoch":
        return f"{method}(nb_epoch=...) is called epochs since Keras 2. Write epochs=..."
    return f"{method}({name}=...) is not an argument of {method}.{did_you_mean(name, known)}"
