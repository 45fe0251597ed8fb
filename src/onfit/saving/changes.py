"""What was changed of a compiled model in mid-training: taken down for a checkpoint, done again."""

from typing import TYPE_CHECKING, Any

from onfit.errors import ArgumentError, FileFormatError, warn
from onfit.registered import with_registered
from onfit.saving.contents import Config
from onfit.saving.torch_state import kinds_of, rebuilt, torch_tree, torch_within
from onfit.saving.training import (
    losses_arguments,
    losses_config,
    optimizer_config,
    optimizer_from_config,
)

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

# --- writing ---------------------------------------------------------------------------------


def changes_in_training(model: "Model") -> Config:
    """What `compile`, or a setting, has changed since training began; without the optimizer's
    state. What could only be pickled is None.
    """
    compiled, begun = model.compiled, model._begun
    changes = [] if begun is None else begun.changes(compiled)
    found: Config = {}
    if "optimizer" in changes:
        found["optimizer"] = _optimizer(model)
        found["kind"] = kinds_of(compiled.optimizer)
    if "losses" in changes:
        found["losses"] = _losses(model)
    if "loss_weights" in changes:
        found["loss_weights"] = compiled.factors
    return found


def _optimizer(model: "Model") -> Config | None:
    optimizer = model.compiled.optimizer
    if torch_within(optimizer) is not None:
        return {"torch": torch_tree(optimizer, dict(model.named_weights()), None, _OWNER)}
    try:
        return {"ours": optimizer_config(optimizer, _OWNER)}
    except ArgumentError:
        return None


def _losses(model: "Model") -> Config | None:
    try:
        config = losses_config(model.compiled, _OWNER)
    except ArgumentError:
        return None
    return {**config, "outputs": list(model.output_names)}


_OWNER = "BackupAndRestore"

# --- reading ---------------------------------------------------------------------------------


def change_again(model: "Model", changes: Config) -> None:
    """Do to a model, which is compiled as the script does, what `changes_in_training` says.

    Raises:
        FileFormatError: if the optimizer cannot be made again.
    """
    given: dict[str, Any] = {}
    same = changes.get("kind") == kinds_of(model.compiled.optimizer)
    if "optimizer" in changes and not (same and changes["optimizer"] is None):
        given["optimizer"] = _made_again(model, changes)
    if changes.get("losses") is not None:
        given |= losses_arguments(changes["losses"], with_registered(None))
        given["output_names"] = changes["losses"]["outputs"]
    elif "losses" in changes:
        warn(
            "the checkpoint was saved after the loss or the metrics had been changed in "
            "mid-training, to functions or objects that a checkpoint cannot hold. The run goes on "
            "with those that the script compiles with."
        )
    if given:
        model._replace(**given)
    if "loss_weights" in changes:
        model._put_loss_weights(changes["loss_weights"])


def _made_again(model: "Model", changes: Config) -> Any:
    custom, described = with_registered(None), changes["optimizer"] or {}
    if "ours" in described:
        try:
            return optimizer_from_config(described["ours"], custom)
        except ArgumentError as error:
            raise _not_made(changes["kind"]) from error
    made = rebuilt(model, described["torch"], custom) if "torch" in described else None
    if made is None:
        raise _not_made(changes["kind"])
    return made


def _not_made(kind: str) -> FileFormatError:
    return FileFormatError(
        f"this run cannot go on from the checkpoint, which was saved after the model had got the "
        f"optimizer {kind} in mid-training: it cannot be made again from a checkpoint. Compile the "
        "model with such an optimizer before fit, or make its class known by "
        "utils.register_keras_serializable."
    )
