"""What `compile` receives, and what may be changed of it later."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from onfit._arguments import check_flags
from onfit._types import Distribution, Identifier, Mode
from onfit.assigning import is_ours
from onfit.engine.model.arguments import check_distribution, check_flag, refuse_unsupported
from onfit.engine.model.building import Buildable
from onfit.engine.placing import device_asked_for
from onfit.engine.step.compiled import Begun, Compiled
from onfit.engine.step.outputs import outputs_named_by
from onfit.engine.step.synchronized import Moments
from onfit.engine.step.trained import Trained
from onfit.errors import NotReadyError
from onfit.layers.modes import Freezable
from onfit.layers.precision.of_models import FLOAT16, Precise, precision_asked_for
from onfit.layers.wrappers import divides_weights, trained_parameters
from onfit.optimizers import Optimizer, with_loss_scale
from onfit.policies import DTypePolicy, policy_of_new

if TYPE_CHECKING:
    from onfit.optimizers import OptimizerLike


# What `compile` takes. A `Loss`, a `Metric` and those of torch can be called; for several outputs
# there may be lists, or dicts by output.
Losses = Identifier | Sequence[Identifier | None] | None
Metrics = Identifier | Sequence[Identifier | Sequence[Identifier] | None] | None
LossWeights = Mapping[str, Any] | Sequence[Any] | Tensor | NDArray[Any] | float | None


class Compiling(Freezable, Precise, Buildable):
    """The part of a model that says how it is trained.

    Args:
        name: its name.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__()
        self.name = name or type(self).__name__.lower()
        self.input_names: list[str] | None = None
        self.output_names: list[str] = ["output"]
        self.fits_under_way = 0
        self.distribution: Distribution | None = "auto"
        self.divided_by_fit = False
        self.sync_batch_norm = False
        self.moments: Moments | None = None
        self.validation_sets: list[str] = []
        # Gives the next optimizer the state that a file has for it; see `saving.load`.
        self.state_for_optimizer: Any = None
        self._compiled: Compiled | None = None
        self._begun: Begun | None = None  # in training: how it was compiled when that began
        self.compute_in(policy_of_new())

    @property
    def is_divided(self) -> bool:
        """Whether each of several processes has a piece of its weights, as with `fully_shard`."""
        return divides_weights(self)

    @property
    def described(self) -> str:
        """The class and name of this model, for error texts."""
        return f"{type(self).__name__} {self.name!r}"

    # --- compile -------------------------------------------------------------------------

    def compile(
        self,
        optimizer: "OptimizerLike" = "rmsprop",
        loss: Losses = None,
        metrics: Metrics = None,
        loss_weights: LossWeights = None,
        *,
        weighted_metrics: Metrics = None,
        run_eagerly: bool | None = False,
        steps_per_execution: int | None = 1,
        jit_compile: bool | str | None = "auto",
        auto_scale_loss: bool = True,
        distribution: Distribution | None = "auto",
        sync_batch_norm: bool = False,
        mixed_precision: str | DTypePolicy | None = None,
        device: str | torch.device = "auto",
        **old: Any,
    ) -> None:
        """Set the optimizer, the loss and the metrics of the training.

        Args:
            optimizer: a name, an `onfit.optimizers.Optimizer`, a torch optimizer over this
                model's parameters, or a torch optimizer class (or other factory).
            loss: a name, an `onfit.losses.Loss`, a torch loss, or a function of
                `(y_true, y_pred)`.
            metrics: names or functions; logged under the names written here.
            loss_weights: factors of the losses of several outputs, a list or dict. For several
                outputs, `loss` and `metrics` too may be lists or dicts by output.
            weighted_metrics: further metrics, in which each sample counts by its `sample_weight`
                or `class_weight`. If `metrics` has one of the same name, the name in the logs is
                `weighted_<name>`.
            run_eagerly: accepted, as in Keras, without effect: torch always runs eagerly.
            steps_per_execution: accepted without effect: hooks are called at each batch.
            jit_compile: accepted without effect. To compile a net, pass
                `Model(torch.compile(net))`.
            auto_scale_loss: whether a model that computes in `"mixed_float16"` trains with a
                `LossScaleOptimizer` around its optimizer, so that small gradients do not become 0.
            distribution: how `fit` trains where a launcher such as torchrun has started several
                processes. `"auto"` or `"ddp"`: with all of them, each on its share of every batch,
                and with all weights in each. `"fsdp"`: so that each has a piece of each weight,
                and layer by layer is brought together when it is called; the optimizer's state is
                divided, too. None: each process trains by itself on all that it is given. In one
                process all are the same.
            sync_batch_norm: whether batch normalizations, onfit's and torch's own, use means and
                variances of the whole batch where several processes have shares of it.
            mixed_precision: `"mixed_bfloat16"` or `"mixed_float16"`: the model computes in this
                half type where torch.autocast does, also one that was made with other types, and
                a wrapped net. `"float32"`: it does not, whatever its policy. None: as the model's
                policy says. Layers with a `dtype` of their own keep it.
            device: where the model computes: `"cpu"`, `"cuda"`, `"cuda:1"`, `"mps"`, or a torch
                device. `"auto"`: a model of layers that is on the CPU goes to a GPU, or Apple's,
                if there is one, when `fit`, `evaluate` or `predict` is first called; a wrapped
                net stays where it is.
            **old: arguments of older versions of Keras; each is an error unless it is None.

        Raises:
            ArgumentError: for unknown names, with the nearest known one.
        """
        refuse_unsupported(Compiling.compile, old)
        check_distribution(distribution)
        check_flag("sync_batch_norm", sync_batch_norm)
        check_flags("compile", auto_scale_loss=auto_scale_loss)
        self.distribution, self.sync_batch_norm = distribution, sync_batch_norm
        wanted = device_asked_for(device)
        policy = precision_asked_for(mixed_precision) or self.policy_before_compile
        for function in ("train_function", "test_function", "predict_function"):
            vars(self).pop(function, None)  # made anew, as in Keras
        names = self._outputs_for(loss)
        if auto_scale_loss and policy == FLOAT16:
            optimizer = with_loss_scale(optimizer)
        compiled = Compiled(optimizer, loss, metrics, loss_weights, names, weighted_metrics)
        self.output_names = names
        self.compute_for_now_in(policy)
        self._adopt(compiled, Trained(self.trainable))
        if wanted is not None:
            self.wanted_device = wanted
            self.place()

    def _follow_weights(self) -> None:
        if self._compiled is not None and self._compiled.optimizer.params:
            self._compiled.optimizer.build(self._compiled.optimizer.params)

    def _outputs_for(self, loss: Any) -> list[str]:
        """The names of the outputs. If only a subclass' own code knows them, the losses do."""
        return self.output_names if self.input_names is not None else outputs_named_by(loss)

    def _adopt(self, compiled: Compiled, trained: Trained) -> None:
        """Train by `compiled` from now on: a training that is under way, from the next batch."""
        before, compiled.trained = self._compiled, trained
        watch = None if before is None else before.optimizer.watch
        self._compiled = compiled
        if watch is not None:
            watch.attach(compiled.optimizer)
        kept, self.state_for_optimizer = self.state_for_optimizer, None
        if kept is not None:
            compiled.optimizer.build(self.trained_weights)
            kept.give(self, compiled.optimizer)
        if self.fits_under_way:  # its callbacks may read and set the learning rate at once
            compiled.optimizer.build(self.trained_weights)

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

    # --- what it received, to be read and set ----------------------------------------------

    @property
    def optimizer(self) -> Optimizer | Any:
        """The optimizer; None before `compile`. Another one takes its steps from the next batch."""
        return None if self._compiled is None else self._compiled.optimizer

    @optimizer.setter
    def optimizer(self, value: "OptimizerLike") -> None:
        if self._compiled is None:
            self._adopt(Compiled(value, output_names=self.output_names), Trained(self.trainable))
        else:
            self._replace(optimizer=value)

    @property
    def loss(self) -> Any:
        """The loss as `compile` received it; None before. Another one acts from the next batch.

        A subclass may set it before `compile`, for a step of its own.
        """
        given = None if self._compiled is None else self._compiled.given["loss"]
        own = self._modules.get("loss", vars(self).get("loss"))
        return own if given is None else given

    @loss.setter
    def loss(self, value: Losses) -> None:
        if self._compiled is None and not is_ours(type(self)):
            held: dict[str, Any] = self._modules if isinstance(value, nn.Module) else vars(self)
            held["loss"] = value
        else:
            self._replace(loss=value)

    @property
    def loss_weights(self) -> Any:
        """The factors of the losses as `compile` received them; None before, or if there are none.

        They may be set, in place or as a whole, and act from the next batch. A tensor among them
        is read at each step.
        """
        return None if self._compiled is None else self._compiled.given["loss_weights"]

    @loss_weights.setter
    def loss_weights(self, value: LossWeights) -> None:
        self._replace(loss_weights=value)

    def _put_loss_weights(self, numbers: list[float]) -> None:
        """Set the factors of the losses, where the script keeps them if they can be set there."""
        factors = [target.factor for target in self.compiled.targets]
        put = [factor.put(number) for factor, number in zip(factors, numbers, strict=True)]
        if not all(put):
            self._replace(loss_weights=numbers)

    def _replace(self, **given: Any) -> None:
        """Go on with another value for an argument of `compile`."""
        if self._compiled is None:
            name = next(iter(given))
            raise NotReadyError(
                f"{self.described}.{name} was set, and the model is not compiled yet. Pass it to "
                f"compile({name}=...)."
            )
        if "loss" in given:
            given["output_names"] = self._outputs_for(given["loss"])
        compiled = self.compiled.replaced(**given)
        self.output_names = compiled.given["output_names"]
        self._adopt(compiled, self.compiled.trained)

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns; empty before `compile`."""
        return [] if self._compiled is None else self._compiled.names

    def metric_direction(self, monitor: str) -> Mode | None:
        """Whether the quantity of this log name should grow or shrink; None if not known."""
        if self._compiled is None:
            return None
        for name in filter(None, self.validation_sets):
            if monitor.startswith(f"val_{name}_"):
                monitor = monitor.removeprefix(f"val_{name}_")
                break
        return self._compiled.direction(monitor)

    # --- what trains -----------------------------------------------------------------------

    @property
    def trainable_weights(self) -> list[Tensor]:
        """The parameters that training changes; none if the model is frozen."""
        if not self.trainable:
            return []
        return [param for param in trained_parameters(self) if param.requires_grad]

    # Keras' newer name for the same.
    trainable_variables = trainable_weights

    @property
    def trained_weights(self) -> list[Tensor]:
        """The parameters that its own steps change. If `trainable` of the model was set after
        `compile`, they are those that it had then.
        """
        compiled = self._compiled
        if compiled is None or not compiled.trained.differs:
            return self.trainable_weights
        return compiled.trained.weights(self)

    def _before_assignment(self, assignment: object) -> None:
        if self._compiled is not None:
            self._compiled.trained.keep(self, assignment)

    def _after_assignment(self) -> None:
        if self._compiled is not None:
            self._compiled.trained.settle(self)
