"""onfit's callbacks in the training of Stable-Baselines3's agents."""

from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from onfit._types import Callbacks
from onfit.integrations.faces.of_stable_baselines3 import AgentModel, rewards_in
from onfit.integrations.hosting import Hosting
from onfit.integrations.hosting.of_stable_baselines3 import Counted, checked_steps, not_in_the_list
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
        ArgumentError: for `steps_per_epoch` that is no whole number, or below 1.
        CapabilityError: for `BackupAndRestore`; when training begins, if the agent lacks what a
            callback needs; and within `EveryNTimesteps`, `EvalCallback` and their like.

    Example:
        >>> from onfit.callbacks import EarlyStopping
        >>> onfit_callback = OnfitCallback([EarlyStopping("ep_rew_mean", patience=9)])
    """

    owner = STABLE_BASELINES3

    def __init__(self, callbacks: Callbacks, steps_per_epoch: int = 2048) -> None:
        BaseCallback.__init__(self)
        super().__init__(callbacks)
        self.steps_per_epoch = checked_steps(steps_per_epoch)
        self._counted = Counted()

    def _on_training_start(self) -> None:
        self._recorded: dict[str, Any] = {}
        self._rewards = rewards_in(self.locals["callback"])
        self._since: int = self.model.num_timesteps  # when the epoch began
        self._total: int = self.locals["total_timesteps"]
        self._counted.begin(self.model, self.steps_per_epoch)
        settings = self._counted.settings(self._total, bool(self._rewards))
        self.begin(AgentModel(self.model), **settings)

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
        if not session.in_epoch and not session.stopping:
            self.end(error := not_in_the_list())
            raise error
        if not session.in_epoch:
            return False
        session.batch_begin(self.model.n_envs)
        self._hear_evaluations()
        return not session.batch_end(self.model.n_envs)

    def _hear_evaluations(self) -> None:
        rewards = rewards_in(self.locals["callback"])
        for reward in changed(rewards, self._rewards).values():
            self.evaluation_over({"mean_reward": reward})
        self._rewards = rewards

    def _end_epoch(self) -> None:
        self._hear_evaluations()  # of a callback that stands after this one
        logs, self._recorded = self._recorded, {}
        self.session.epoch_end(**logs, **self.session.model.episodes())

    def _on_training_end(self) -> None:
        if self.session.in_epoch and not self.session.stopping:
            self._recorded |= self.session.model.recorded()
            self._end_epoch()
        self._counted.end(self.session.progress.epoch)
        if self.model.num_timesteps < self._total:
            self.end_early("it was stopped")
        self.end()
