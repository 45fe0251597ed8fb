"""The base of layers around another layer; and TimeDistributed, which applies one to each step."""

import copy
from typing import Any, ClassVar

from torch import Tensor

from onfit.errors import ArgumentTypeError, ShapeError
from onfit.layers.around.serial import deserialize, serialize
from onfit.layers.calling import Called
from onfit.layers.layer import Layer
from onfit.layers.shapes import Shape


class Around(Layer):
    """A layer of which some arguments are layers, or lists of layers."""

    # The names of these arguments.
    layer_options: ClassVar[tuple[str, ...]] = ()

    @property
    def held_layers(self) -> dict[str, Any]:
        """The layers within, by the arguments that they are."""
        return {name: getattr(self, name) for name in self.layer_options}

    def get_config(self) -> dict[str, Any]:
        held = {name: _described(layer) for name, layer in self.held_layers.items()}
        return {**super().get_config(), **held}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        made = {key: _made_anew(config[key]) for key in cls.layer_options if key in config}
        return cls(**{**config, **made})


class Wrapper(Around):
    """A layer around another one. Subclass it, and use `self.layer` in `call`.

    Args:
        layer: the other layer, or a model.
        **options: arguments of every layer.
    """

    supports_masking = True
    layer_options: ClassVar[tuple[str, ...]] = ("layer",)

    def __init__(self, layer: Any, **options: Any) -> None:
        if not isinstance(layer, Called):
            raise ArgumentTypeError(
                f"{type(self).__name__}(layer={layer!r}): layer is a layer or a model; got "
                f"{type(layer).__name__}. A torch module goes in layers.TorchModule(module)."
            )
        super().__init__(**options)
        self.layer = layer

    def build(self, input_shape: Shape) -> None:
        self.layer.ensure_built(input_shape)


def _described(layer: Any) -> Any:
    if isinstance(layer, list):
        return [_described(each) for each in layer]
    return serialize(layer) if isinstance(layer, Layer) else layer


def _made_anew(described: Any) -> Any:
    """A layer of its description; a copy of a layer or a model; a list of such."""
    if isinstance(described, (list, tuple)):
        return [_made_anew(each) for each in described]
    if described is None or isinstance(described, Called):
        return copy.deepcopy(described)
    return deserialize(described)


class TimeDistributed(Wrapper):
    """Applies a layer or a model to each step of a sequence, with the same weights.

    Args:
        layer: the layer, which takes what one step has: an image of a film, say.
        **options: arguments of every layer.

    The steps of all samples go through it as one batch.

    Example:
        >>> import torch
        >>> from onfit.layers import Dense
        >>> TimeDistributed(Dense(3))(torch.zeros(2, 10, 4)).shape
        torch.Size([2, 10, 3])
    """

    walks_sequences = True

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) < 3:
            raise ShapeError(
                f"{self.described} needs inputs of shape (batch, steps, ...); got {input_shape}."
            )
        super().build((input_shape[0], *input_shape[2:]))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Any:
        """What the layer gives for each step; it gets the mask of each step, if that has one."""
        samples = x.flatten(0, 1)
        if mask is not None and mask.ndim > 2 and "mask" in self.layer.takes.names:
            found = self.layer(samples, mask=mask.flatten(0, 1))
        else:
            found = self.layer(samples)
        return found.unflatten(0, x.shape[:2])
