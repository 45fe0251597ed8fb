"""All that a file holds of a model: `save`, `save_weights` and `snapshot` begin here."""

from collections.abc import Callable, Container
from typing import TYPE_CHECKING

from torch import Tensor

from onfit.engine.step.compiled import Compiled
from onfit.errors import warn
from onfit.layers.wrappers import whole
from onfit.optimizers import TorchOptimizer
from onfit.saving.contents import Contents
from onfit.saving.describe import can_be_described, model_config
from onfit.saving.fitting import Named
from onfit.saving.keras_order import weights_of
from onfit.saving.names import Naming, by_layer, numbered_names, shared_names
from onfit.saving.state import inner_arrays, optimizer_arrays
from onfit.saving.training import optimizer_config, training_config

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
    named = dict(model.named_weights())
    kept = {name: keep(name, whole(tensor.detach())) for name, tensor in named.items()}
    contents = Contents(name=model.name, described=model.described, weights_only=weights_only)
    _add_weights(contents, model, named, kept, naming)
    if weights_only:
        return contents
    if can_be_described(model):
        contents.model_config = model_config(model)
    if model._compiled is not None and with_training:
        _add_training(contents, model, model._compiled, named, asked, keep)
    return contents


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
    if compiled is not None and not isinstance(compiled.optimizer, TorchOptimizer):
        training_config(compiled, f"{model.described}.save")


def _add_training(
    contents: Contents, model: "Model", compiled: Compiled, named: Named, asked: str, keep: Keep
) -> None:
    described = contents.model_config is not None
    optimizer = compiled.optimizer
    if isinstance(optimizer, TorchOptimizer):
        if described:
            _warn_of_torch_optimizer(f"{model.described}.{asked}")
        return
    owner = f"{model.described}.save"
    if described:
        contents.training_config = training_config(compiled, owner)
    else:
        # Its losses and metrics may be anything, and `load_model` cannot make it without its code.
        contents.training_config = {"optimizer_config": optimizer_config(optimizer, owner)}
    contents.optimizer = optimizer_arrays(model, optimizer, named, keep)
    inner = inner_arrays(optimizer, contents.optimizer)
    if inner and contents.numbered:  # Keras writes them twice
        contents.numbered["optimizer/inner_optimizer"] = [value for _, value in inner]


def _warn_of_torch_optimizer(asked: str) -> None:
    warn(
        f"{asked}: it is compiled with a torch optimizer, whose state the file does not hold. "
        "load_model will give the model uncompiled; call compile on it, or use an onfit optimizer."
    )
