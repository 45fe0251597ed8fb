"""What a model says about its own layers."""

from typing import Any, ClassVar

from torch import nn

from onfit.layers import Layer

AnyLayer = Layer | Any  # a layer, or any other torch module


class Layered:
    """What the code that saves, copies or draws a model needs to know about it.

    Models import the code that saves them, so that code cannot import the classes of models. It
    imports this class instead. The answers here are those of a model that only its own code can
    make.

    Attributes:
        class_in_config: the class that its configuration names; None if it has no configuration.
    """

    class_in_config: ClassVar[str | None] = None

    @property
    def made_by_code(self) -> bool:
        """Whether only the model's own code can make it: a list of its layers is not enough."""
        return True

    @property
    def keras_layers(self) -> list[nn.Module] | None:
        """Its layers in Keras' order; None if the model is not made of a list of layers."""
        return None

    @property
    def operations(self) -> list[nn.Module]:
        """Its layers; in a functional model also the computations of `onfit.ops` among them."""
        model: Any = self
        return list(model.layers)
