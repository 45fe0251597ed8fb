"""onfit's callbacks in the training of Stable-Baselines3's agents."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback, EvalCallback

from onfit._types import Callbacks, StrPath
from onfit.errors import ArgumentError, CapabilityError
from onfit.integrations.hosted import SelfEnding, listeners_for
from onfit.integrations.nets import HostedNet
from onfit.storage.durable import replacing

_OWNER = "Stable-Baselines3"
_INSTEAD = (
    "use its CheckpointCallback(save_replay_buffer=True), PPO.load and "
    "learn(..., reset_num_timesteps=False)"
)


class OnfitCallback(BaseCallback):
    """Calls onfit's callbacks in `agent.learn`. An epoch ends with the first update of the policy
    after `steps_per_epoch` steps; a step of all environments is a batch of as many samples.

    `logs` have `ep_rew_mean` and `ep_len_mean`, the means over the last 100 episodes, and what the
    updates record, such as `loss` for `train/loss`. An `EvalCallback` in the same list gives
    `val_mean_reward`. Rewards should grow.

    Callbacks set the learning rate unless it was given as a schedule. `ModelCheckpoint` writes
    `.zip`, which `PPO.load` reads, or the policy's weights as `.pt` or `.safetensors`. With
    `reset_num_timesteps=False` epochs are counted on. Stable-Baselines3 tells its callbacks of no
    error that comes from elsewhere: after one, no end hook is called.

    Args:
        callbacks: onfit's callbacks, called in this order.
        steps_per_epoch: how many steps, of all environments together, an epoch has at least.

    Attributes:
        session: the `onfit.Session` of the training.

    Raises:
        ArgumentError: for `steps_per_epoch` below 1.
        CapabilityError: for `BackupAndRestore`; and when training begins, if the agent lacks what a
            callback needs.

    Example:
        >>> from onfit.callbacks import EarlyStopping
        >>> onfit_callback = OnfitCallback([EarlyStopping("ep_rew_mean", patience=9)])
    """

    session: SelfEnding

    def __init__(self, callbacks: Callbacks, steps_per_epoch: int = 2048) -> None:
        super().__init__()
        if steps_per_epoch < 1:
            raise ArgumentError(
                f"OnfitCallback(steps_per_epoch={steps_per_epoch!r}): how many steps an epoch has "
                "at least, 1 or more."
            )
        self.callbacks = list(listeners_for(callbacks, _OWNER, _INSTEAD))
        self.steps_per_epoch = steps_per_epoch

    def _on_training_start(self) -> None:
        agent = self.model
        rollout = getattr(agent, "n_steps", 1) * agent.n_envs
        length, total = max(self.steps_per_epoch, rollout), self.locals["total_timesteps"]
        first = agent.num_timesteps // length
        self._recorded: dict[str, Any] = {}
        found = _evaluations_in(self.locals["callback"])
        self._evaluations = {each: _done_by(each) for each in found}
        self._since: int = agent.num_timesteps  # when the epoch began
        self.session = SelfEnding(
            AgentModel(agent),
            listeners_for(self.callbacks, _OWNER, _INSTEAD),
            epochs=max(math.ceil(total / length), first),
            initial_epoch=first,
        )
        self.session.train_begin()

    def _on_rollout_start(self) -> None:
        self._note_update()
        if self.session.in_epoch:
            if self.model.num_timesteps - self._since < self.steps_per_epoch:
                return
            self._end_epoch()
        if not self.session.stopping:
            self._since = self.model.num_timesteps
            self.session.epoch_begin()

    def _on_step(self) -> bool:
        session = self.session
        if not session.in_epoch:
            return False
        session.batch_begin(self.model.n_envs)
        for each, seen in self._evaluations.items():
            if _done_by(each) > seen:
                self._evaluations[each] = _done_by(each)
                session.evaluation_end({"mean_reward": each.last_mean_reward})
                session.validated(mean_reward=each.last_mean_reward)
        return not session.batch_end(self.model.n_envs)

    def _note_update(self) -> None:
        """Keep what the update after the last rollout has recorded."""
        recorded = self.logger.name_to_value.items()
        self._recorded |= {k[6:]: v for k, v in recorded if k.startswith("train/")}

    def _end_epoch(self) -> None:
        episodes, logs = self.model.ep_info_buffer, dict(self._recorded)
        logs.pop("learning_rate", None)  # callbacks that set it log it
        if episodes:
            logs["ep_rew_mean"] = float(np.mean([each["r"] for each in episodes]))
            logs["ep_len_mean"] = float(np.mean([each["l"] for each in episodes]))
        self._recorded = {}
        self.session.epoch_end(**logs)

    def _on_training_end(self) -> None:
        if self.session.in_epoch and not self.session.stopping:
            self._note_update()
            self._end_epoch()
        self.session.train_end()


def _evaluations_in(callback: Any) -> list[EvalCallback]:
    """The evaluations among the callbacks of a training."""
    if isinstance(callback, EvalCallback):
        return [callback]
    inner = getattr(callback, "callbacks", ())
    return [found for each in inner for found in _evaluations_in(each)]


def _done_by(evaluation: EvalCallback) -> int:
    """How many evaluations it has done."""
    return evaluation.n_calls // evaluation.eval_freq if evaluation.eval_freq > 0 else 0


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
