"""A torch module whose learning rate belongs to another library's trainer."""

from collections.abc import Callable
from typing import Any, ClassVar

from onfit.engine.model.face_of_net import adapt


class HostedNet:
    """What callbacks see of such a module: `onfit.Model(net)`, with another optimizer.

    Args:
        net: the module.
        optimizer: has its `learning_rate`; None if callbacks cannot set it.
    """

    hints_for_callbacks: ClassVar[dict[type, str]] = {}

    def __init__(self, net: Any, optimizer: Any) -> None:
        self.model, self.optimizer = adapt(net), optimizer
        self.stop_training = False
        self.before_update: Callable[[], None] | None = None

    def __getattr__(self, name: str) -> Any:
        if name == "model":  # of a copy that is not filled yet
            raise AttributeError(name)
        return getattr(self.model, name)

    def observe_gradients(self, before_update: Callable[[], None] | None) -> Callable[[], object]:
        """Keep what the trainer's hook before a step has to call; returns what ends that."""
        self.before_update = before_update
        return lambda: setattr(self, "before_update", None)
