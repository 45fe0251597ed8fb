"""The graph of the model: from the model's own description, or else from watching it run."""

from collections.abc import Callable
from typing import Any

from onfit.callbacks.tensorboard.event_files import EventFiles
from onfit.core.console import say

_FOLDER = "train"


class Graph:
    """Writes a model's graph, once, as soon as it is known.

    Args:
        model: it is asked for its `graph_config`, and, if that is None, for a `graph_tracer`,
            which notes the arguments of the model's next call and can then trace it. For a model
            that has neither, no graph is written.
    """

    def __init__(self, model: Any) -> None:
        self._drawn = type(getattr(model, "net", model)).__name__
        self._config = model.graph_config() if hasattr(model, "graph_config") else None
        watched = self._config is None and hasattr(model, "graph_tracer")
        self._tracer = model.graph_tracer() if watched else None

    def write(self, files: Callable[[], EventFiles]) -> None:
        """Write the graph if it is known by now and not written yet; `files` opens the files."""
        config, self._config = self._config, None
        if config is not None:
            files().add_graph_config(_FOLDER, config)
        graph_def = self._traced()
        if graph_def is not None:
            files().add_graph_def(_FOLDER, graph_def)
            self.close()

    def close(self) -> None:
        """Stop watching the model."""
        tracer, self._tracer = self._tracer, None
        if tracer is not None:
            tracer.close()

    def _traced(self) -> bytes | None:
        if self._tracer is None:
            return None
        try:
            graph_def: bytes | None = self._tracer.graph_def()
        except Exception as error:  # the model's own code may raise anything when it is traced
            reason = str(error).strip().partition("\n")[0]
            say(
                f"TensorBoard(write_graph=True): {self._drawn} cannot be traced, so there is no "
                f"graph of it ({type(error).__name__}: {reason}). The rest is written."
            )
            self.close()
            return None
        return graph_def
