"""A model taken down for a file: what `save`, `save_weights` and `snapshot` begin with."""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor

from onfit.engine.step.compiled import Compiled
from onfit.errors import OnfitWarning
from onfit.optimizers import TorchOptimizer
from onfit.saving.architecture import can_be_described, model_config
from onfit.saving.contents import Contents
from onfit.saving.keras_order import weights_of
from onfit.saving.names import by_layer, numbered_names, shared_names
from onfit.saving.state import optimizer_arrays
from onfit.saving.training import optimizer_config, training_config

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

Keep = Callable[[str, Tensor], Tensor]  # a name and a tensor, to the tensor to hold on to


def taken(model: "Model", asked: str, weights_only: bool, keep: Keep) -> Contents:
    """All that a file can hold of `model`; no file is made yet, so that refusals cost nothing.

    Args:
        model: a built model.
        asked: which method asks, for a warning: "save('best.h5')".
        weights_only: leave out layers, losses and the optimizer.
        keep: gives the tensor to hold on to: the model's own, or a copy.

    Raises:
        ArgumentError: if a layer, a loss, a metric or an activation cannot be kept in a file.
    """
    named = {name: keep(name, tensor.detach()) for name, tensor in model.named_weights()}
    contents = Contents(
        by_layer({name: named[name] for name in weights_of(model)}),
        name=model.name,
        named=named,
        numbered={
            path: [named[name] for name in names] for path, names in numbered_names(model).items()
        },
        also=shared_names(model),
        described=model.described,
        weights_only=weights_only,
    )
    if weights_only:
        return contents
    if can_be_described(model):
        contents.model_config = model_config(model)
    if model._compiled is not None:
        _add_training(contents, model, model._compiled, asked, keep)
    return contents


def require_words(model: "Model") -> None:
    """Find out whether there are words for all that a file of the whole model says.

    Raises:
        ArgumentError: if a layer, a loss, a metric or an activation cannot be kept in a file.
    """
    model_config(model)
    compiled = model._compiled
    if compiled is not None and not isinstance(compiled.optimizer, TorchOptimizer):
        training_config(compiled, f"{model.described}.save")


def _add_training(
    contents: Contents, model: "Model", compiled: Compiled, asked: str, keep: Keep
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
        # Its losses and metrics may be anything: nothing could be made of them without its code.
        contents.training_config = {"optimizer_config": optimizer_config(optimizer, owner)}
    contents.optimizer = optimizer_arrays(model, optimizer, keep)


def _warn_of_torch_optimizer(asked: str) -> None:
    warnings.warn(
        f"{asked}: it is compiled with a torch optimizer, whose state the file does not hold. "
        "load_model will give the model uncompiled; call compile on it, or use an onfit optimizer.",
        OnfitWarning,
        stacklevel=6,
    )
