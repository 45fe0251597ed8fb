"""A model as a file holds it: every format writes this, and reading a file gives it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from onfit.dtypes import as_numpy

Array = np.ndarray[Any, Any]
Value = Array | Tensor  # formats convert the tensors that they write
Arrays = list[tuple[str, Any]]  # a name and its values
Config = dict[str, Any]


@dataclass(frozen=True)
class Declared:
    """A weight of an open file, which is not read yet.

    Attributes:
        shape: its shape.
        read: reads its numbers.
    """

    shape: tuple[int, ...]
    read: Callable[[], Value]


@dataclass
class Contents:
    """A model as a file holds it.

    The weights are there under up to three kinds of names, from which a format takes one. The
    values are the same objects, not copies. Contents read from a file have the kind of the file,
    and its weights as `Declared`.

    Attributes:
        layers: for each layer that has weights, in the model's order, their names and values.
        named: the same by the names that torch has for them: "dense.kernel".
        numbered: the same by Keras' path of a layer: "layers/dense".
        also: further names of weights that several layers share, and the name in `named`.
        name: the model's name.
        described: how errors speak of the model.
        model_config: how to make its layers; None for one that only its own code can make.
        training_config: what `compile` received.
        optimizer: the names and values of the optimizer's variables, in Keras' order.
        weights_only: whether the file is to hold the weights and nothing else.
        notes: further data for the file to carry, as JSON; None for none.
        own: gives what onfit keeps beside, and other readers pass over: plain data and tensors by
            name. Of an open file it is read then.
        check: of an open file, to be called before what is read of it is used: it raises if the
            file is not as it was written.
    """

    layers: dict[str, Arrays] = field(default_factory=dict)
    name: str = ""
    model_config: Config | None = None
    training_config: Config | None = None
    optimizer: Arrays = field(default_factory=list)
    named: dict[str, Any] = field(default_factory=dict)
    numbered: dict[str, list[Any]] = field(default_factory=dict)
    also: dict[str, str] = field(default_factory=dict)
    described: str = ""
    weights_only: bool = False
    notes: str | None = None
    own: Callable[[], Config] = dict
    check: Callable[[], None] = lambda: None

    @property
    def numbers(self) -> int:
        """How many numbers all weights together have."""
        lists = [*self.layers.values(), self.named.items()]
        values = [value for named in lists for _, value in named]
        values += [value for numbered in self.numbered.values() for value in numbered]
        return sum(math.prod(value.shape) for value in values)

    @property
    def asked(self) -> str:
        """The method of a model that writes such contents, for errors."""
        return "save_weights" if self.weights_only else "save"


def as_array(value: Value) -> Array:
    """The values of a tensor; those of types that numpy lacks (bfloat16) as float32.

    It shares the memory of a tensor on the CPU.
    """
    if not isinstance(value, Tensor):
        return value
    return as_numpy(value)
