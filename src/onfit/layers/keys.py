"""The keys under which a model keeps its layers, and the layers' names.

Names of layers are free. torch wants keys that are no attributes of the model and have no dots. So
a layer called "output" has the key "output_", and one called "a.b" the key "a_b".
"""

from collections.abc import Iterator

from torch import nn

from onfit.layers.graph import Operation
from onfit.layers.wrappers import class_of


def key_for(name: str, model: nn.Module) -> str:
    """The key under which `model` can keep a layer of that name."""
    key = _plain(name)
    while _is_taken(key, model):
        key += "_"
    return key


def _is_taken(key: str, model: nn.Module) -> bool:
    # Not `hasattr(model, key)`: that would compute a property.
    held = (model._modules, model._parameters, model._buffers, vars(model))
    return hasattr(type(model), key) or any(key in each for each in held)


def named_layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The children of a model by the names that they have in it."""
    for key, layer in model.named_children():
        yield name_under(key, layer), layer


def kind_of(module: nn.Module) -> str:
    """The name of its class; of a computation in a graph, that of Keras' class."""
    return module.class_name if isinstance(module, Operation) else class_of(module).__name__


class NamesIn:
    """The names of a model's layers. One is found without a list of them all, which would be made
    anew for each layer that is added.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def __contains__(self, name: object) -> bool:
        key = _plain(str(name))
        while _is_taken(key, self._model):
            layer = self._model._modules.get(key)
            if layer is not None and name_under(key, layer) == name:
                return True
            key += "_"
        return False


def name_under(key: str, layer: nn.Module) -> str:
    """The name of the layer that a model keeps under a key: its own, unless the key is another
    one, as for a layer that has its name from another model.
    """
    own = getattr(layer, "name", None)
    if not isinstance(own, str) or _plain(own).rstrip("_") != key.rstrip("_"):
        return key
    return own or key


def _plain(name: str) -> str:
    return name.replace(".", "_")
