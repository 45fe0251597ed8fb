"""What a session has to know of an agent's training: how its steps are epochs."""

import math
from typing import Any

from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.type_aliases import TrainFrequencyUnit

from onfit._arguments import is_whole
from onfit.errors import ArgumentError, CapabilityError


class Counted:
    """The epochs of an agent. Their number goes on in its next training.

    Attributes:
        length: how many steps, of all environments together, an epoch has.
        first: the epoch with which the training begins.
    """

    def __init__(self) -> None:
        self.length, self.first = 1, 0
        self._agent: Any = None
        self._ended_at = (-1, 0)  # the steps and epochs at the end of the training before

    def begin(self, agent: Any, steps_per_epoch: int) -> None:
        """A training begins, with epochs of at least so many steps."""
        between = steps_between_updates(agent)
        self.length = math.ceil(steps_per_epoch / between) * between
        known = agent is self._agent and agent.num_timesteps == self._ended_at[0]
        self._agent = agent
        # A stop comes a step after the epoch.
        done = max(math.ceil((agent.num_timesteps - agent.n_envs) / self.length), 0)
        self.first = self._ended_at[1] if known else done

    def settings(self, total_steps: int, validates: bool) -> dict[str, Any]:
        """The arguments of the session of a training until `total_steps` steps."""
        left = max(total_steps - self._agent.num_timesteps, 0)
        batches = math.ceil(left / self._agent.n_envs)
        return {
            "epochs": self.first + math.ceil(left / self.length),
            "initial_epoch": self.first,
            "params": {"total_steps": batches, "do_validation": validates},
        }

    def end(self, epochs: int) -> None:
        """The training is over, after so many epochs, those before it included."""
        self._ended_at = self._agent.num_timesteps, epochs


def steps_between_updates(agent: Any) -> int:
    """How many steps, of all environments, come before each update; 1 where that varies."""
    often: Any = getattr(agent, "train_freq", None)
    steps = 0
    if isinstance(agent, OnPolicyAlgorithm):
        steps = agent.n_steps
    elif getattr(often, "unit", None) is TrainFrequencyUnit.STEP:
        steps = often.frequency
    return steps * int(agent.n_envs) or 1


def checked_steps(steps_per_epoch: Any) -> int:
    """The argument, if it is a whole number above 0."""
    if not is_whole(steps_per_epoch, "steps_per_epoch") or steps_per_epoch < 1:
        raise ArgumentError(
            f"OnfitCallback(steps_per_epoch={steps_per_epoch!r}): how many steps an epoch has at "
            "least, a whole number of 1 or more."
        )
    return int(steps_per_epoch)


def not_in_the_list() -> CapabilityError:
    """The error for a callback that hears of some steps alone."""
    return CapabilityError(
        "OnfitCallback stands within another callback, such as EveryNTimesteps or EvalCallback, "
        "which tells it of some steps alone. Put it into the list of callbacks itself: "
        "learn(..., callback=[evaluation, OnfitCallback(...)])."
    )
