"""All that a file holds of a model: `save`, `save_weights` and `snapshot` begin here."""

from collections.abc import Callable, Container
from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor

from onfit.core.processes import processes
from onfit.engine.model.weights import extra_states
from onfit.engine.step.compiled import Compiled
from onfit.errors import ArgumentError, warn
from onfit.layers.wrappers import whole
from onfit.saving.contents import Config, Contents
from onfit.saving.describe import can_be_described, model_config
from onfit.saving.fitting import Named
from onfit.saving.keras_order import weights_of
from onfit.saving.names import Naming, by_layer, numbered_names, shared_names
from onfit.saving.state import inner_arrays, optimizer_arrays
from onfit.saving.torch_state import torch_tree, torch_within
from onfit.saving.training import losses_config, optimizer_config, training_config

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

# Gives, for a name and a tensor of the model, the tensor to hold on to: the same, or a copy.
Keep = Callable[[str, Tensor], Tensor]


def taken(
    model: "Model",
    asked: str,
    weights_only: bool,
    keep: Keep,
    naming: Container[Naming] = frozenset(Naming),
    with_training: bool = True,
) -> Contents:
    """All that a file can hold of `model`. No file is made yet, so a refusal costs nothing.

    Args:
        model: a built model.
        asked: which method asks, for a warning: "save('best.h5')".
        weights_only: leave out layers, losses and the optimizer.
        keep: gives the tensor to hold on to.
        naming: the ways to name weights that the file may ask for.
        with_training: whether to hold what `compile` received, too.

    Raises:
        ArgumentError: if a layer, a loss, a metric or an activation cannot be kept in a file.
    """
    if model.is_divided:
        keep = partial(_in_memory, keep) if processes().is_main else _shape_alone
    named = dict(model.named_weights())
    kept = {name: keep(name, whole(tensor.detach())) for name, tensor in named.items()}
    contents = Contents(name=model.name, described=model.described, weights_only=weights_only)
    _add_weights(contents, model, named, kept, naming)
    own: Config = {}
    if extra := extra_states(model._inside):
        own["extra_states"] = extra
    contents.own = lambda: own
    if weights_only:
        return contents
    if can_be_described(model):
        contents.model_config = model_config(model)
    if model._compiled is not None and with_training:
        if torch_within(model._compiled.optimizer) is not None:
            own |= _own_training(contents, model, model._compiled, named, asked, keep)
        else:
            _add_training(contents, model, model._compiled, named, keep)
    return contents


def _in_memory(keep: Keep, name: str, tensor: Tensor) -> Tensor:
    """Keep a weight in the machine's memory: the device has room for a piece of each, and may have
    none for all of them.
    """
    return keep(name, tensor.to("cpu"))


def _shape_alone(name: str, tensor: Tensor) -> Tensor:
    """Of a weight that another process writes a tensor of its shape, in the memory of a number."""
    return tensor.new_zeros(()).expand(tensor.shape)


def _add_weights(
    contents: Contents, model: "Model", named: Named, kept: Named, naming: Container[Naming]
) -> None:
    if Naming.BY_LAYER in naming:
        contents.layers = by_layer(model, {name: kept[name] for name in weights_of(model, named)})
    if Naming.BY_NAME in naming:
        contents.named, contents.also = dict(kept), shared_names(model, named)
    if Naming.BY_NUMBER in naming:
        paths = numbered_names(model, named)
        contents.numbered = {path: [kept[name] for name in paths[path]] for path in paths}


def require_describable(model: "Model") -> None:
    """Check that a file can describe the whole model.

    Raises:
        ArgumentError: if a layer, a loss, a metric or an activation cannot be kept in a file.
    """
    model_config(model)
    compiled = model._compiled
    if compiled is not None and torch_within(compiled.optimizer) is None:
        training_config(compiled, f"{model.described}.save")


def _own_training(
    contents: Contents, model: "Model", compiled: Compiled, named: Named, asked: str, keep: Keep
) -> Config:
    """What `compile` received, with a torch optimizer: Keras would not know it, so it stands where
    Keras passes over it. A model that only its own code can make has no reader for it.
    """
    if contents.model_config is None:
        return {}
    owner = f"{model.described}.{asked}"
    try:
        losses = losses_config(compiled, owner)
    except ArgumentError as error:
        warn(f"{error} The file has the state of the optimizer, and not the loss and the metrics.")
        losses = None
    tree = torch_tree(compiled.optimizer, named, keep, owner)
    return {"training": {"losses": losses, "optimizer": tree}}


def _add_training(
    contents: Contents, model: "Model", compiled: Compiled, named: Named, keep: Keep
) -> None:
    optimizer = compiled.optimizer
    owner = f"{model.described}.save"
    if contents.model_config is not None:
        contents.training_config = training_config(compiled, owner)
    else:
        # Its losses and metrics may be anything, and `load_model` cannot make it without its code.
        contents.training_config = {"optimizer_config": optimizer_config(optimizer, owner)}
    contents.optimizer = optimizer_arrays(model, optimizer, named, keep)
    inner = inner_arrays(optimizer, contents.optimizer)
    if inner and contents.numbered:  # Keras writes them twice
        contents.numbered["optimizer/inner_optimizer"] = [value for _, value in inner]
