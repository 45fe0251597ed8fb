"""Embeddings, in the files that TensorBoard's projector reads."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onfit.callbacks.tensorboard.histograms import as_array
from onfit.core.faces import HasActivations, HasEmbeddings, Need
from onfit.core.validation import ValidationArrays
from onfit.errors import ArgumentError, did_you_mean, warn
from onfit.storage.durable import replacing

# The files lie beside event files, where the projector looks for any folder that TensorBoard was
# started on. All of them lie below the folder of its configuration: it reads no other files.
_FOLDER = "train"
_CONFIG = "projector_config.pbtxt"
_TABLES, _LABELS = "embeddings", "embeddings/labels"

Table = np.ndarray[Any, Any]


class Projector:
    """Writes the outputs of layers for some data, or the tables of embedding layers.

    Each writing replaces the files of the one before.

    Args:
        log_dir: the folder in which labels are looked for.
        names: the layers; None or empty for all embedding layers.
        metadata: a file of labels for all layers, or a dict with a file for each layer; a path in
            `log_dir`, or from the current folder.
        data: arrays as for `predict`, to write the layers' outputs for them; None to write the
            layers' tables.
        batch_size: how many samples are computed at a time.
    """

    def __init__(
        self,
        log_dir: str,
        names: Sequence[str] | None,
        metadata: str | dict[str, str] | None,
        data: Any,
        batch_size: int | None,
    ) -> None:
        self._log_dir, self._started_in = Path(log_dir), Path.cwd()
        self._names = [names] if isinstance(names, str) else list(names or ())
        self._metadata = metadata or {}
        self._data = None if data is None else ValidationArrays(_inputs(data))
        self._batch_size = batch_size
        self._warned = False

    def needs(self, because: str) -> Iterator[Need]:
        """What the model must be able to do for this."""
        if self._data is None or not self._names:
            yield Need(HasEmbeddings, because)
        if self._data is not None:
            yield Need(HasActivations, because)

    def prepare(self, model: Any) -> None:
        """Find the layers, before training.

        Raises:
            ArgumentError: for a layer that does not exist or has no table, or for labels of a
                layer that is not written.
        """
        if not self._names:
            self._names = [name for name, _ in model.named_embeddings()]
        if not self._names:
            self._warn(
                "embeddings_freq=...): the model has no embedding layers, so nothing is written. "
                "Name other layers in embeddings_layer_names, and pass embeddings_data."
            )
        elif self._data is not None:
            # This raises for layers that do not exist, or that do not take such data.
            self._outputs(model, self._data.first(1))
        else:
            self._require_tables([name for name, _ in model.named_embeddings()])
        self._require_layers_of_labels()

    def write(self, model: Any, log_dir: str | None) -> None:
        """Write tables, labels, and the configuration that names them, to `train/` in `log_dir`.
        With None, take part in looking at the model, as other processes do, and write nothing.
        """
        tables = self._tables(model)
        if log_dir is not None:
            self._write(tables, log_dir)

    def _write(self, tables: dict[str, Table], log_dir: str) -> None:
        from google.protobuf import text_format  # type: ignore[import-untyped]
        from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

        folder = Path(log_dir) / _FOLDER
        config = ProjectorConfig()
        for name, table in tables.items():
            info = config.embeddings.add(tensor_name=name)
            info.tensor_path = f"{_TABLES}/{_file_name(name)}.tsv"
            with replacing(folder / info.tensor_path) as temporary:
                np.savetxt(temporary, table, fmt="%.7g", delimiter="\t")
            info.metadata_path = self._copied_labels(name, folder)
        if config.embeddings:
            with replacing(folder / _CONFIG) as temporary:
                temporary.write_text(text_format.MessageToString(config), encoding="utf-8")

    # --- tables --------------------------------------------------------------------------

    def _tables(self, model: Any) -> dict[str, Table]:
        if self._data is None:
            tables = dict(model.named_embeddings())
            return {name: as_array(tables[name]) for name in self._names}
        batches = [self._outputs(model, batch) for batch in self._data.batches(self._batch_size)]
        return {name: np.concatenate([batch[name] for batch in batches]) for name in self._names}

    def _outputs(self, model: Any, data: ValidationArrays) -> dict[str, Table]:
        """Each layer's outputs for some samples, one row for each sample."""
        outputs = dict(model.named_activations(data.x, self._names))
        for name in self._names:
            if name not in outputs:
                raise ArgumentError(
                    f"TensorBoard(embeddings_layer_names=[{name!r}]): the model does not use that "
                    "layer to predict. Name one that it does."
                )
        return {name: as_array(outputs[name][0]).reshape(len(data[0]), -1) for name in self._names}

    def _require_tables(self, tables: list[str]) -> None:
        for name in self._names:
            if name not in tables:
                raise ArgumentError(
                    f"TensorBoard(embeddings_layer_names=[{name!r}]): there is no embedding layer "
                    f"of that name; there is {', '.join(tables) or 'none at all'}."
                    f"{did_you_mean(name, tables)} Of any other layer the outputs can be written: "
                    "pass embeddings_data, the samples to compute them of."
                )

    # --- labels --------------------------------------------------------------------------

    def _require_layers_of_labels(self) -> None:
        for name in self._metadata if isinstance(self._metadata, dict) else ():
            if name not in self._names:
                raise ArgumentError(
                    f"TensorBoard(embeddings_metadata={{{name!r}: ...}}): no such layer is "
                    f"written; written are {', '.join(self._names) or 'none'}."
                    f"{did_you_mean(name, self._names)}"
                )

    def _copied_labels(self, name: str, folder: Path) -> str:
        """The path at which the projector finds a layer's labels; empty if it has none."""
        given = self._metadata.get(name) if isinstance(self._metadata, dict) else self._metadata
        if not given:
            return ""
        source = next(filter(Path.is_file, (self._log_dir / given, self._started_in / given)), None)
        if source is None:
            self._warn(
                f"embeddings_metadata=...): there is no file {str(given)!r}, neither in "
                f"{str(self._log_dir)!r} nor from the current folder, so the points of {name!r} "
                "have no labels. They will, as soon as it is there."
            )
            return ""
        path = f"{_LABELS}/{_file_name(name)}.tsv"
        with replacing(folder / path) as temporary:
            shutil.copyfile(source, temporary)
        return path

    def _warn(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            warn(f"TensorBoard({text}")


def _inputs(data: Any) -> Any:
    """A list of arrays as a tuple, the form for several inputs; anything else as it is."""
    several = isinstance(data, list) and data and all(hasattr(part, "shape") for part in data)
    return tuple(data) if several else data


def _file_name(layer: str) -> str:
    return layer.replace("/", ".")
