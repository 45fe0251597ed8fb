"""What happens when a layer or a model is called: on tensors, arrays or symbols, in which mode."""

import inspect
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from onfit.errors import ArgumentTypeError
from onfit.layers import added_losses
from onfit.layers.added_losses import Calling, penalties_of, values_of
from onfit.layers.arguments.of_calls import inputs_given, mode_given, refuse_if_unfit
from onfit.layers.graph import record, shapes_of, symbols_in
from onfit.layers.masking.masks import USE, hand_in, hand_on, put_mask
from onfit.layers.modes import in_mode
from onfit.layers.precision import Typed, in_policy, widened
from onfit.layers.shapes import mapped, tensors_in
from onfit.layers.symbols.traced import Traced
from onfit.layers.weights import WeightOwner


class Takes(NamedTuple):
    """What a computation takes beside its inputs.

    Attributes:
        names: the names of its arguments, in their order.
        training: the place of an argument `training`; None if there is none.
        mask: whether there is an argument `mask`, or one for names of any kind.
    """

    names: tuple[str, ...] = ()
    training: int | None = None
    mask: bool = False

    @classmethod
    def of(cls, function: Callable[..., Any]) -> "Takes":
        """What a method takes; `self` is not counted."""
        given = list(inspect.signature(function).parameters.values())[1:]
        names = tuple(p.name for p in given if p.kind is not p.VAR_KEYWORD)
        any_name = any(p.kind is p.VAR_KEYWORD for p in given)
        training = names.index("training") if "training" in names else None
        return cls(names, training, "mask" in names or any_name)


class Called(Traced, Typed, WeightOwner):
    """The call of a layer or a model.

    The computation has two names, torch's `forward` and Keras' `call`. A class may write it under
    either, and call its base under either: in each class both are one function.

    `training=` in a call is the mode for all that is called inside. Without it each module's own
    `training` decides, as everywhere in torch. A computation with an argument `training` is told.
    """

    takes: ClassVar[Takes] = Takes()
    # Whether its computation adds losses.
    adds_losses: ClassVar[bool] = False
    # Whether its output has a mask where its input has one; may be set in each object.
    supports_masking: bool = False
    # Whether it is a model, whose layers hand masks on themselves.
    is_made_of_layers: ClassVar[bool] = False
    # The penalty on its outputs, for each sample; may be changed at any time.
    activity_regularizer: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _join(cls)
        computation: Any = cls.forward
        cls.takes = Takes.of(computation)
        if "compute_mask" in vars(cls) and not cls.__module__.startswith("onfit."):
            cls.supports_masking = cls.makes_masks = True
        at_home = computation.__module__.startswith("onfit.layers.")
        more = cls.takes.training is not None or cls.adds_losses or cls.makes_masks
        cls.is_simple = at_home and not more
        if "casts_outputs" not in vars(cls):
            cls.casts_outputs = at_home

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; or, called on symbols, record the call and return symbols.

        Args:
            *args: tensors, numpy arrays or symbols, or lists and dicts of them.
            training: the mode for all that is called inside; None for the mode that each has.
            mask: True for each step that counts; passed on to a computation that takes it.
            **kwargs: further arguments of the computation.
        """
        if not kwargs and len(args) == 1 and isinstance(args[0], Tensor):  # nothing was asked for
            return self._computed(args, kwargs)
        args, kwargs = self._without_blanks(args, kwargs)
        args, kwargs = inputs_given(self, args, kwargs)
        if next(symbols_in((args, kwargs)), None) is not None:
            return record(self, args, kwargs)
        with in_mode(self, self._mode_asked_for(args, kwargs)):
            kwargs.pop("training", None)
            return self._computed(args, kwargs)

    def _computed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The output for tensors, in the mode that each module is in."""
        if not args and not kwargs:
            refuse_if_unfit(self, args, kwargs)
        self._get_ready(args, kwargs)
        place = self.takes.training
        if place is not None and len(args) <= place:
            kwargs["training"] = self.training
        before = None
        if USE.begun or self.makes_masks:
            before = hand_in(self, args, kwargs)
        with Calling(self):
            try:
                if self._policy is None:
                    output = super().__call__(*args, **kwargs)
                else:
                    output = in_policy(self, super().__call__, args, kwargs)
            except TypeError as error:
                refuse_if_unfit(self, args, kwargs, error)
                raise
            penalty = self.activity_regularizer
            for part in () if penalty is None else tensors_in(output):
                self.add_loss(penalty(widened(part)) / max(1, len(part) if part.ndim else 1))
        if USE.begun or self.makes_masks:
            hand_on(self, args[0] if args else next(iter(kwargs.values()), None), output, before)
        return output

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the output, given the inputs and their mask: by default the same mask.

        Write it in a subclass whose output has other steps than its input, or which makes a mask.

        Args:
            inputs: a tensor, or a list or dict of them.
            mask: True for each step that counts, of shape (batch, steps); None for no mask; a list
                for several inputs.
        """
        return mask

    def _without_blanks(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, without a `training` or `mask` that is None."""
        place = self.takes.training
        if place is not None and len(args) == place + 1 and args[place] is None:
            args = args[:place]
        blank = [name for name in ("training", "mask") if kwargs.get(name, 0) is None]
        kwargs = {name: value for name, value in kwargs.items() if name not in blank}
        if "mask" in kwargs and self.is_made_of_layers and "mask" not in self.takes.names:
            _put_on_inputs(args, kwargs.pop("mask"))
        if "mask" in kwargs and not self.takes.mask:
            raise ArgumentTypeError(
                f"{self._called} was called with mask=, and its computation takes no mask. Leave "
                "it out, or give its call an argument mask."
            )
        return args, kwargs

    def _get_ready(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Make what waits for the first inputs."""

    def _mode_asked_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool | None:
        place = self.takes.training
        if place is not None and len(args) > place:
            return None if args[place] is None else mode_given(self, args[place])
        return mode_given(self, kwargs["training"]) if "training" in kwargs else None

    # --- losses --------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Add to what training lowers; to be called in `call`. `evaluate` counts it, too.

        Args:
            loss: a tensor, or a list of them; of one with several values the sum counts.

        Raises:
            ArgumentTypeError: for anything else.

        Example:
            >>> class Small(Called):
            ...     def call(self, x):
            ...         self.add_loss(0.1 * x.square().mean())
            ...         return x
            >>> layer = Small()
            >>> out = layer(torch.ones(2, 3))
            >>> layer.losses
            [tensor(0.1000)]
        """
        added_losses.add(self, self._called, loss)

    def add_metric(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse a metric that Keras 2 took here.

        Raises:
            ArgumentTypeError: always; it says where metrics go.
        """
        raise ArgumentTypeError(
            f"{self._called}.add_metric: metrics are not added to layers and models here. Give "
            "compile(metrics=[...]) a function of (y_true, y_pred); what is within a model goes "
            "into one of its outputs, or is returned by a train_step."
        )

    @property
    def losses(self) -> list[Tensor]:
        """What it adds to the loss of a training: what `add_loss` was given in the last call of it,
        or of what is around it, and the penalties on its weights that are not frozen; those of its
        layers, too.
        """
        return [*added_losses.added_in(self), *values_of(penalties_of(self))]


def _put_on_inputs(args: tuple[Any, ...], given: Any) -> None:
    """Hang masks on the inputs of a model: one, or a list with one for each."""
    masks = tensors_in(mapped(torch.as_tensor, np.ndarray, given))
    for tensor, mask in zip(tensors_in(args[:1]), masks, strict=False):
        put_mask(tensor, mask)


def _join(cls: type) -> None:
    """Make `forward` and `call` one function, where the nearest class with either has only one."""
    for base in cls.__mro__:
        own = vars(base)
        if "forward" in own or "call" in own:
            break
    if "call" not in own or "forward" not in own:
        function = own.get("forward") or own["call"]
        cls.forward = cls.call = function  # type: ignore[attr-defined]


def shapes_to_build_for(
    build: Callable[..., Any], names: tuple[str, ...], args: Any, kwargs: Any
) -> tuple[Any, ...]:
    """The shapes that a `build` takes: that of the first input, or one for each of its arguments.

    An argument `query_shape` is for the input `query`; arguments with other names are for the
    inputs in their order.

    Args:
        build: a layer's method.
        names: the names of the inputs, in their order.
        args: the inputs.
        kwargs: the inputs that were given by name.
    """
    inputs = {**dict(zip(names, args, strict=False)), **kwargs}
    shapes = {f"{name}_shape": shapes_of(value) for name, value in inputs.items()}
    given = inspect.signature(build).parameters.values()
    wanted = [p.name for p in given if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    if len(wanted) < 2 or not all(name in shapes for name in wanted):
        return tuple(shapes.values())[: len(wanted) or 1]
    return tuple(shapes[name] for name in wanted)


def go_to_inputs(module: nn.Module, args: Any, kwargs: Any) -> None:
    """Bring weights that were just made, as they are on the CPU, to where the inputs are."""
    there = next((tensor.device for tensor in tensors_in((args, kwargs))), None)
    if there is not None and there.type not in ("cpu", "meta"):
        module.to(there)
