"""What a model can do with files: save itself, read its weights, say how it is made."""

import json
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from onfit._arguments import check_flags
from onfit._types import StrPath
from onfit.engine.model.arguments import refuse_unsupported, require_suffix
from onfit.engine.model.compilable import Compilable
from onfit.engine.model.layered import Layered
from onfit.registered import with_registered

if TYPE_CHECKING:
    from onfit.engine.model.model import Model
    from onfit.saving import Snapshot


class Savable(Compilable, Layered):
    """The part of `Model` that is about files."""

    def save(
        self,
        filepath: StrPath,
        overwrite: bool = True,
        include_optimizer: bool = True,
        *,
        notes: Mapping[str, Any] | None = None,
        save_format: str | None = None,
        **old: Any,
    ) -> None:
        """Write the whole model: layers, weights, optimizer, what `compile` got.

        The file is written beside `filepath` and then put in its place: a crash on the way
        leaves the old one whole.

        Args:
            filepath: the file, `.keras`, `.h5` or `.hdf5`.
            overwrite: False refuses to replace a file.
            include_optimizer: False leaves out the optimizer and what else `compile` got.
            notes: plain data for the file to carry; `notes_in` gives it back.
            save_format: `"keras"` or `"h5"`, which has to be what the suffix says.
            **old: other arguments of Keras; each is an error unless it asks for nothing.
        """
        refuse_unsupported(Savable.save, old)
        require_suffix("save", filepath, save_format)
        self._require_built("save")
        check_flags("save", overwrite=overwrite, include_optimizer=include_optimizer)
        _saving().save_model(self, filepath, overwrite, notes, include_optimizer)

    def save_weights(
        self,
        filepath: StrPath,
        overwrite: bool = True,
        *,
        notes: Mapping[str, Any] | None = None,
        save_format: str | None = None,
        **old: Any,
    ) -> None:
        """Write the weights alone.

        The suffix says how: `.h5`, `.hdf5`, `.weights.h5`, `.safetensors`, or as a state dict
        `.pt`, `.pth`, `.ckpt`. Other arguments are those of `save`.
        """
        refuse_unsupported(Savable.save_weights, old)
        require_suffix("save_weights", filepath, save_format)
        self._require_built("save_weights")
        check_flags("save_weights", overwrite=overwrite)
        _saving().save_weights(self, filepath, overwrite, notes)

    def snapshot(self, weights_only: bool = False, out: "Snapshot | None" = None) -> "Snapshot":
        """Copy all that `save` would write, for a file that is written later or by a thread.

        Args:
            weights_only: copy what `save_weights` would write.
            out: an earlier snapshot of this model, to be filled anew instead of a new one.
        """
        self._require_built("snapshot")
        if out is None:
            return cast("Snapshot", _saving().Snapshot(self, weights_only))
        out.take(cast("Model", self), weights_only)
        return out

    def load_weights(
        self,
        filepath: StrPath,
        *,
        by_name: bool = False,
        skip_mismatch: bool = False,
        **old: Any,
    ) -> None:
        """Read the weights of a file that `save` or `save_weights` wrote, or of a state dict.

        Args:
            filepath: the file.
            by_name: read those layers alone whose names the model has, too.
            skip_mismatch: leave out what does not fit, and warn of it.
            **old: other arguments of Keras; each is an error unless it asks for nothing.

        Raises:
            ArgumentError: for `by_name` with `.weights.h5` or `.keras`, which have no such names.
            FileFormatError: if the file holds something else; nothing is changed then.
        """
        refuse_unsupported(Savable.load_weights, old)
        self._require_built("load_weights")
        _saving().load_weights(self, filepath, by_name, skip_mismatch)

    def check_filepath(self, filepath: StrPath, weights_only: bool = False) -> None:
        """Refuse what `save`, or `save_weights`, would refuse of this name.

        Raises:
            ArgumentError: if its suffix is not that of a format they write.
            MissingPackageError: if that format needs a library that is not installed.
        """
        _saving().check_filepath(self, filepath, weights_only)

    def notes_in(self, filepath: StrPath) -> dict[str, Any]:
        """The `notes=` that a file was saved with; none if it has none, or is not there.

        Raises:
            FileFormatError: if the file is damaged.
        """
        notes: dict[str, Any] = _saving().read_notes(filepath)
        return notes

    def get_config(self) -> dict[str, Any]:
        """Its layers and how they are connected, as plain data: what `from_config` takes.

        Raises:
            ArgumentError: naming a layer that only its own code can make, such as a torch module.
        """
        config: dict[str, Any] = _saving().model_config(self)["config"]
        return config

    def to_json(self, **kwargs: Any) -> str:
        """The same as text, with the class of the model: what `models.model_from_json` takes.

        Args:
            **kwargs: passed on to `json.dumps`, such as `indent=2`.
        """
        config = _saving().model_config(self)
        return json.dumps(config, **kwargs)

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> "Model":
        """A model of the layers that `get_config` described, with weights of its own.

        Args:
            config: what `get_config` of a model of this class gave.
            custom_objects: your own layer classes, activations and initializers, by name.
        """
        kind = "Functional" if "input_layers" in config else "Sequential"
        described = {"class_name": kind, "config": config}
        custom = with_registered(custom_objects)
        if cls.__name__ not in ("Model", cls.class_in_config):
            described["own_class"] = cls.__name__
            custom[cls.__name__] = cls
        return cast("Model", _saving().model_from_config(described, custom))

    # --- resuming ------------------------------------------------------------------------

    def state_for_resume(self) -> dict[str, Any]:
        """Weights, optimizer, generators, and what was compiled anew in mid-training."""
        state = super().state_for_resume()
        if self._begun is None or not self._begun.changes(self.compiled):
            return state
        return {**state, "changes": _saving().changes_in_training(self)}

    def recompile_for_resume(self, state: dict[str, Any]) -> None:
        """Compile anew, as was done in mid-training before `state_for_resume` gave the state.

        Raises:
            FileFormatError: if the optimizer cannot be made again.
        """
        if state.get("changes"):
            _saving().change_again(self, state["changes"])

    def graph_config(self) -> dict[str, Any] | None:
        """Its layers and what connects them, in Keras' words; None if its own code makes it."""
        config: dict[str, Any] | None = _saving().graph_config(self)
        return config


def _saving() -> ModuleType:
    # Imported here because it is a floor above, and a training that writes no file needs none of
    # it. This is the only import upwards.
    from onfit import saving

    return saving
