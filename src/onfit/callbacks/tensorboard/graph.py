"""The graph of the model: from the model's own description, or else from watching it run."""

import json
from collections.abc import Callable
from typing import Any

from onfit.callbacks.tensorboard.event_files import EventFiles
from onfit.core.console import say
from onfit.core.faces import is_divided
from onfit.core.packages.keras_fit import is_of_keras

_FOLDER = "train"


class Graph:
    """Writes a model's graph, once, as soon as it is known.

    Args:
        model: it is asked for its `graph_config`, or, as one of Keras', for `to_json`; without
            layers there, for a `graph_tracer`, which notes the arguments of the model's next call
            and can then trace it. For a model that has neither, no graph is written.
    """

    def __init__(self, model: Any) -> None:
        self._drawn = type(getattr(model, "net", model)).__name__
        self._unbuilt = model if is_of_keras(model) and not model.built else None
        self._config = _config_of(model)
        watched = self._config is None and hasattr(model, "graph_tracer")
        if watched and is_divided(model):  # to trace it is to call it, which all would have to do
            watched = False
            say(
                f"TensorBoard(write_graph=True): each of several processes has a piece of the "
                f"weights of {self._drawn}, so there is no graph of it. The rest is written."
            )
        self._tracer = model.graph_tracer() if watched else None

    def write(self, files: Callable[[], EventFiles]) -> None:
        """Write the graph if it is known by now and not written yet; `files` opens the files."""
        if self._unbuilt is not None and self._unbuilt.built:  # by its first batch
            self._config, self._unbuilt = _config_of(self._unbuilt), None
        config, self._config = self._config, None
        if config is not None:
            files().add_graph_config(_FOLDER, config)
            self._write(files, lambda: layers_as_graph(config), "drawn")
        if self._tracer is not None and self._write(files, self._tracer.graph_def, "traced"):
            self.close()

    def close(self) -> None:
        """Stop watching the model."""
        tracer, self._tracer = self._tracer, None
        if tracer is not None:
            tracer.close()

    def _write(
        self, files: Callable[[], EventFiles], graph_def: Callable[[], bytes | None], done: str
    ) -> bool:
        """Write a graph if there is one; True if it is written, or never will be."""
        try:
            graph = graph_def()
        except Exception as error:  # the model's own code may raise anything when it is traced
            reason = str(error).strip().partition("\n")[0]
            say(
                f"TensorBoard(write_graph=True): {self._drawn} cannot be {done}, so there is no "
                f"graph of it ({type(error).__name__}: {reason}). The rest is written."
            )
            return True
        if graph is not None:
            files().add_graph_def(_FOLDER, graph)
        return graph is not None


def _config_of(model: Any) -> dict[str, Any] | None:
    """The layers of a model as Keras' files describe them; None if they are no graph."""
    if hasattr(model, "graph_config"):
        described: dict[str, Any] | None = model.graph_config()
        return described
    found = json.loads(model.to_json()) if is_of_keras(model) and model.built else {}
    return found if "layers" in found.get("config", {}) else None


def layers_as_graph(config: dict[str, Any]) -> bytes:
    """The layers of a `graph_config` as the nodes of a serialized GraphDef.

    TensorBoard's page of graphs first asks for the GraphDef of a run. If there is none it shows an
    error, although it can draw the `graph_config` itself once a person chooses that.
    """
    from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

    graph = keras_model_to_graph_def(config)
    # Names below the model's would be one closed box at first.
    model = f"{config['config']['name']}/"
    for node in graph.node:
        node.name = node.name.removeprefix(model)
        node.op = node.attr.pop("keras_class").s.decode()
        node.input[:] = [name.removeprefix(model) for name in node.input]
    graph_def: bytes = graph.SerializeToString()
    return graph_def
