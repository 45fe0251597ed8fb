"""onfit's callbacks in the training of Stable-Baselines3's agents."""

import math
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from onfit._types import Callbacks
from onfit.errors import ArgumentError
from onfit.integrations.faces.of_stable_baselines3 import AgentModel, rewards_in
from onfit.integrations.hosting import Hosting
from onfit.integrations.hosting.owners import STABLE_BASELINES3
from onfit.integrations.hosting.values import changed


class OnfitCallback(Hosting, BaseCallback):
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

    owner = STABLE_BASELINES3

    def __init__(self, callbacks: Callbacks, steps_per_epoch: int = 2048) -> None:
        BaseCallback.__init__(self)
        super().__init__(callbacks)
        if steps_per_epoch < 1:
            raise ArgumentError(
                f"OnfitCallback(steps_per_epoch={steps_per_epoch!r}): how many steps an epoch has "
                "at least, 1 or more."
            )
        self.steps_per_epoch = steps_per_epoch

    def _on_training_start(self) -> None:
        agent, total = self.model, self.locals["total_timesteps"]
        length = max(self.steps_per_epoch, getattr(agent, "n_steps", 1) * agent.n_envs)
        first = agent.num_timesteps // length
        self._recorded: dict[str, Any] = {}
        self._rewards = rewards_in(self.locals["callback"])
        self._since: int = agent.num_timesteps  # when the epoch began
        epochs = max(math.ceil(total / length), first)
        self.begin(AgentModel(agent), epochs=epochs, initial_epoch=first)

    def _on_rollout_start(self) -> None:
        self._recorded |= self.session.model.recorded()
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
        rewards = rewards_in(self.locals["callback"])
        for reward in changed(rewards, self._rewards).values():
            session.evaluation_end({"mean_reward": reward})
            session.validated(mean_reward=reward)
        self._rewards = rewards
        return not session.batch_end(self.model.n_envs)

    def _end_epoch(self) -> None:
        logs, self._recorded = self._recorded, {}
        self.session.epoch_end(**logs, **self.session.model.episodes())

    def _on_training_end(self) -> None:
        if self.session.in_epoch and not self.session.stopping:
            self._recorded |= self.session.model.recorded()
            self._end_epoch()
        self.end()
