"""A model that makes its weights when it first meets data, whoever calls it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from onfit.engine.data.arrays import Samples
from onfit.engine.placing import (
    accelerator,
    bring_inputs_of,
    brought,
    make_current,
    moved_to,
)
from onfit.errors import ArgumentTypeError, NotReadyError, OnfitError, ShapeError
from onfit.layers.calling import Called, go_to_inputs, shapes_to_build_for
from onfit.layers.containers import HoldsLayers
from onfit.layers.graph import Symbol, symbols_in
from onfit.layers.modes import evaluating
from onfit.layers.shapes import Shape, Spec, described, mapped, tensors_in
from onfit.layers.weights import as_plain_tensors
from onfit.layers.wrappers import divides_weights

# How long axes that vary are while weights are made: the batch, and others.
_BATCH, _OTHERS = 2, 64


class Buildable(Called, HoldsLayers):
    """A torch module whose weights wait for the first data. It is built once it was called.

    A subclass may write `build(input_shape)`. That is called once: by hand, or before the first
    call of the model.
    """

    is_made_of_layers = True

    _said_to_be_built = False
    _own_build_began = False
    # How many parts it had when it was first called: layers that it did not use do not count.
    _parts_called = 0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in vars(cls):
            cls.build = _noted(cls.build)  # type: ignore[method-assign]

    @property
    def device(self) -> torch.device | None:
        """Where its parameters are; None if it has none."""
        first = next(self.parameters(), None)
        return None if first is None else first.device

    # Where it is to be moved once its weights exist; None for an accelerator, if there is one.
    wanted_device: torch.device | None = None
    is_placed = False
    _is_together = False
    # Whether `fit` may move it without being asked.
    goes_to_accelerator = True

    @property
    def home(self) -> torch.device | None:
        """Where its batches go; None leaves them where they are."""
        return self._destination or self.device

    @property
    def _destination(self) -> torch.device | None:
        """Where it is yet to go; None if it stays."""
        if self.wanted_device is not None or self.is_placed or not self.goes_to_accelerator:
            return self.wanted_device
        known = [param.is_cpu for param in self.parameters()]
        if divides_weights(self) or (known and not any(known)):
            return None  # its owner has put it where it is
        return accelerator()

    def place(self) -> None:
        """Go where it is to compute, once its weights exist. A model of layers goes to a GPU, if
        there is one; `compile(device=)` says otherwise. That happens once: whoever moves it
        later has their way.
        """
        if not self._is_built():
            return
        arrived = self.is_placed and self.wanted_device is None
        destination = self._where_others_went if arrived else self._destination
        self.is_placed, self.wanted_device = True, None
        self._go_to(destination)

    @property
    def _where_others_went(self) -> torch.device | None:
        """Where weights on the CPU are to follow others: those of a layer that came later, or of
        one beside layers that another model took along. None if there is no such place.
        """
        if not self.goes_to_accelerator:
            return None
        with as_plain_tensors():  # each fit asks
            places = {param.device for param in self.parameters()}
        away = [place for place in places if place.type != "cpu"]
        return away[0] if len(away) == 1 and len(places) == 2 else None

    def _go_to(self, destination: torch.device | None) -> None:
        if destination is None or all(p.device == destination for p in self.parameters()):
            return
        make_current(destination)
        moved_to(self, destination)
        self._follow_weights()

    def get_ready_for(self, batch: Samples) -> None:
        """Make the weights that wait for a batch, where the model is to compute."""
        self.ensure_built(batch)
        self.place()
        make_current(self.device)  # a wrapped net is where its owner put it

    def _follow_weights(self) -> None:
        """Called when the weights were moved."""

    # --- building ------------------------------------------------------------------------

    @property
    def built(self) -> bool:
        """Whether its weights exist. A `build` of a subclass may set it."""
        return self._said_to_be_built or self._is_built()

    @built.setter
    def built(self, value: bool) -> None:
        self._said_to_be_built = value

    def _is_built(self) -> bool:
        if self._parts_called and self._parts_called == self._count_parts():
            return True
        others = (module for module in self.modules() if module is not self)
        return not self._own_build_waits and all(getattr(part, "built", True) for part in others)

    def _count_parts(self) -> int:
        return sum(1 for _ in self.modules())

    @property
    def _own_build_waits(self) -> bool:
        return type(self).build is not Buildable.build and not self._own_build_began

    @property
    def _computes(self) -> bool:
        """Whether it can be called: a model with only a `train_step` of its own cannot."""
        return True

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of `input_shape`, batch axis first (None).

        Args:
            input_shape: the shape; for several inputs a list or dict of shapes.

        Raises:
            ShapeError: if the model cannot take such inputs.
        """
        if not self._own_build_began:  # else a subclass calls this one from its own
            self.ensure_built(input_shape)

    def ensure_built(self, given: Any) -> None:
        """Make the weights that wait for the first batch; `given` is a batch, or its shape."""
        if self._is_built() or not self._computes:
            return
        if isinstance(given, Samples):
            here = self.device or torch.get_default_device()  # the batch may be where it goes later
            with evaluating(self):
                self(brought(given.x, here))
        else:
            self._compute_on_zeros((_specs_of(given),), {})

    def _get_ready(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Called before each call, on tensors or symbols."""
        if not self._parts_called:
            self._meet(args, kwargs)
        if not self._is_together:
            self._come_together(args)

    def _come_together(self, args: Any) -> None:
        """Before the first call by hand: its layers may be of a model that went to a device."""
        inputs = tensors_in(args)
        if not inputs or inputs[0].is_meta:
            return  # it is looked at, not computed
        self._is_together = True
        if self.goes_to_accelerator and any(not param.is_cpu for param in self.parameters()):
            self._go_to(self._where_others_went)
            bring_inputs_of(self)

    def _meet(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Make what the shapes of the first arguments are enough for."""
        if self._own_build_waits:
            self.build(*shapes_to_build_for(self.build, self.takes.names, args, kwargs))
            go_to_inputs(self, args, kwargs)
        if self._is_built():
            self._parts_called = self._count_parts()
        elif next(symbols_in((args, kwargs)), None) is not None:
            specs = mapped(lambda symbol: symbol.spec, Symbol, (args, kwargs))
            self._compute_on_zeros(*specs)
        else:
            self._note_call()

    def _require_built(self, asked: str) -> None:
        if not self.built:
            raise NotReadyError(
                f"{described(self)}.{asked}() needs weights, and they wait for the shape of the "
                "input. Give the first layer input_shape=..., call model.build((None, ...)), or "
                "fit once."
            )

    def _note_call(self) -> None:
        """Count the parts when this call ends: those that are not built then were not used."""

        def count(*called: Any) -> None:
            handle.remove()
            self._parts_called = self._count_parts()

        handle = self.register_forward_hook(count)

    def _compute_on_zeros(self, args: Any, kwargs: Any) -> None:
        """Call it on zeros in the place of Specs, so that its layers make their weights."""
        try:
            with evaluating(self):
                self(*mapped(_zeros, Spec, args), **mapped(_zeros, Spec, kwargs))
        except OnfitError:
            raise
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            shapes = mapped(lambda spec: spec.shape, Spec, [*args, *kwargs.values()])
            raise ShapeError(
                f"{described(self)} cannot be built for inputs of shape "
                f"{', '.join(map(str, shapes))}: {error}. Give the shape that it takes, or call it "
                "on a batch of data."
            ) from error


def _noted(build: Callable[..., None]) -> Callable[..., None]:
    """A `build` of a subclass that notes in the model that it was called."""

    @wraps(build)
    def noted(self: Buildable, *args: Any, **kwargs: Any) -> None:
        self._own_build_began = True
        build(self, *args, **kwargs)

    return noted


def _specs_of(shape: Any) -> Any:
    """Specs of floats for a shape, or for a list or dict of shapes."""
    if isinstance(shape, dict):
        return {name: _specs_of(one) for name, one in shape.items()}
    if isinstance(shape, (list, tuple)) and any(isinstance(one, (list, tuple)) for one in shape):
        return [_specs_of(one) for one in shape]
    if not isinstance(shape, (list, tuple)):
        raise ArgumentTypeError(
            f"build(input_shape={shape!r}): a shape is a tuple of sizes, the first of which is the "
            "batch's: (None, 4). For several inputs pass a list or dict of such."
        )
    return Spec(tuple(shape), torch.get_default_dtype())


def _zeros(spec: Spec) -> Tensor:
    assumed: Shape = (_BATCH, *[_OTHERS] * len(spec.shape[1:]))
    sizes = [a if size is None else size for size, a in zip(spec.shape, assumed, strict=True)]
    return torch.zeros(sizes, dtype=spec.dtype)  # type: ignore[arg-type]
