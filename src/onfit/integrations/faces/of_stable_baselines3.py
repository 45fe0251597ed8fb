"""What callbacks see of an agent of Stable-Baselines3."""

from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import EvalCallback

from onfit._types import StrPath
from onfit.errors import CapabilityError
from onfit.integrations.faces.nets import HostedNet
from onfit.storage.durable import replacing


class AgentModel(HostedNet):
    """What callbacks see of an agent: its policy, and its files.

    Args:
        agent: an algorithm of Stable-Baselines3.
    """

    observe_gradients = None  # type: ignore[assignment]
    snapshot = None

    def __init__(self, agent: Any) -> None:
        super().__init__(agent.policy, AgentRate(agent))
        self.agent = agent

    def recorded(self) -> dict[str, Any]:
        """What the last update of the policy has recorded, but for the rate, which callbacks log
        that set it.
        """
        values = self.agent.logger.name_to_value.items()
        named = {name[6:]: value for name, value in values if name.startswith("train/")}
        named.pop("learning_rate", None)
        return named

    def episodes(self) -> dict[str, float]:
        """The means over the last episodes, if there are any."""
        episodes = self.agent.ep_info_buffer
        kinds = {"ep_rew_mean": "r", "ep_len_mean": "l"} if episodes else {}
        return {name: float(np.mean([each[k] for each in episodes])) for name, k in kinds.items()}

    def metric_direction(self, name: str) -> str | None:
        """Whether a quantity should grow or shrink."""
        grows = any(word in name for word in ("rew", "success", "explained_variance"))
        return "max" if grows else None

    def check_filepath(self, filepath: StrPath, *, weights_only: bool = False) -> None:
        """Raise an ArgumentError for a file name that the agent has no format for."""
        if weights_only or Path(filepath).suffix != ".zip":
            self.model.check_filepath(filepath, weights_only=weights_only)

    def save(self, filepath: StrPath) -> None:
        """Write the agent to a `.zip`, or its policy's weights to another file."""
        if Path(filepath).suffix != ".zip":
            self.model.save(filepath)
            return
        with replacing(filepath) as temporary, temporary.open("wb") as file:
            self.agent.save(file)

    def load_weights(self, filepath: StrPath) -> None:
        """Read the weights from a file that `save` or `save_weights` wrote."""
        if Path(filepath).suffix == ".zip":
            self.agent.set_parameters(filepath)
        else:
            self.model.load_weights(filepath)


class AgentRate:
    """An agent's learning rate."""

    def __init__(self, agent: Any) -> None:
        self._agent = agent

    @property
    def learning_rate(self) -> float:
        """The rate of the next update."""
        return float(self._agent.lr_schedule(self._agent._current_progress_remaining))

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if callable(self._agent.learning_rate):
            raise CapabilityError(
                "a callback sets the learning rate, and the agent follows a schedule of its own. "
                "Make it with a number, learning_rate=3e-4, or leave the callback out."
            )
        self._agent.learning_rate = value
        self._agent._setup_lr_schedule()


def rewards_in(callback: Any) -> dict[str, Any]:
    """The last reward of each evaluation among the callbacks of a training."""
    if isinstance(callback, EvalCallback):
        return {str(id(callback)): callback.last_mean_reward}
    inner = map(rewards_in, getattr(callback, "callbacks", ()))
    return {name: reward for each in inner for name, reward in each.items()}
