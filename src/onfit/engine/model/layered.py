"""What a model says about its own layers."""

from typing import ClassVar

from torch import nn


class Layered:
    """The facts of a model that code asks for which writes or draws models.

    Models import the code that saves them, so that code cannot import the classes of models. It
    imports this class instead. The facts here are those of a model that only its own code can make.

    Attributes:
        class_in_config: the class that its configuration names; None if it has no configuration.
    """

    class_in_config: ClassVar[str | None] = None

    @property
    def made_by_code(self) -> bool:
        """Whether only its own code can make it: a list of its layers does not say all."""
        return True

    @property
    def keras_layers(self) -> list[nn.Module] | None:
        """Its layers in the order in which Keras lists them; None if it is no list of layers."""
        return None
