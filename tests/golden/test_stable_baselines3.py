"""Stable-Baselines3 does with the callbacks what the recorded sequence asks for."""

import warnings

import gymnasium
import numpy as np
import pytest
from tests.golden.golden import EPOCHS, RATES, STOPS_AT, VAL_LOSS, Golden, same, weights_of

from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    History,
    LearningRateScheduler,
    ModelCheckpoint,
    OneCycle,
    TimeLimit,
)
from onfit.errors import ArgumentError, CapabilityError

with warnings.catch_warnings(action="ignore"):  # of packages that it imports
    from stable_baselines3 import A2C, DQN
    from stable_baselines3.common.callbacks import (
        EvalCallback,
        EveryNTimesteps,
        StopTrainingOnMaxEpisodes,
    )
    from stable_baselines3.common.monitor import Monitor

    from onfit.integrations.stable_baselines3 import OnfitCallback


class Walk(gymnasium.Env):
    """Episodes of five steps; the reward is the action."""

    observation_space = gymnasium.spaces.Box(-1, 1, (2,))
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.turn = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.turn += 1
        place = np.full(2, self.turn / 10, np.float32)
        return place, float(action), self.turn == 5, False, {}


class Recorded(Callback):
    """Puts the recorded value into the logs."""

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = VAL_LOSS[epoch]


def agent(rate=RATES[0]):
    small = {"net_arch": [4]}
    return A2C("MlpPolicy", Walk(), rate, n_steps=8, seed=0, device="cpu", policy_kwargs=small)


@pytest.mark.parametrize("suffix", [".pt", ".zip"])
def test_stable_baselines3(tmp_path, suffix):
    golden = Golden(tmp_path, suffix, weights_only=suffix == ".pt")
    model = agent()
    model.learn(8 * EPOCHS, OnfitCallback([Recorded(), *golden.callbacks], steps_per_epoch=8))
    golden.check(weights_of(model.policy))
    assert model.num_timesteps == 8 * (STOPS_AT + 1) + 1  # it asks at a step
    assert model.policy.optimizer.param_groups[0]["lr"] == pytest.approx(RATES[STOPS_AT])
    if suffix == ".zip":
        best = A2C.load(tmp_path / "models/5.zip", device="cpu")
        assert same(weights_of(best.policy), weights_of(model.policy))


def test_logs_have_rewards_and_what_updates_record():
    history = History()
    agent().learn(24, OnfitCallback([history], steps_per_epoch=8))
    assert history.epoch == [0, 1, 2]
    names = {"ep_rew_mean", "ep_len_mean", "policy_loss", "value_loss", "entropy_loss"}
    assert names < set(history.history)
    assert history.history["ep_len_mean"] == [5.0, 5.0, 5.0]
    assert "learning_rate" not in history.history


@pytest.mark.parametrize("first", [True, False])
def test_evaluations_are_validations(first):
    history, model = History(), agent()
    stopping = EarlyStopping("val_mean_reward", patience=9)
    evaluation = EvalCallback(Monitor(Walk()), eval_freq=8, n_eval_episodes=1, verbose=0)
    ours = OnfitCallback([stopping, history], steps_per_epoch=8)
    model.learn(16, [evaluation, ours] if first else [ours, evaluation])
    assert len(history.history["val_mean_reward"]) == 2
    assert history.history["val_mean_reward"][1] == evaluation.last_mean_reward
    assert stopping.best == evaluation.best_mean_reward
    model.learn(8, [evaluation, OnfitCallback([history])], reset_num_timesteps=False)
    assert history.history["val_mean_reward"] == [evaluation.last_mean_reward]


def test_evaluations_of_some_epochs_alone_are_waited_for():
    history, model = History(), agent()
    stopping = EarlyStopping("val_mean_reward", patience=9)
    evaluation = EvalCallback(Monitor(Walk()), eval_freq=24, n_eval_episodes=1, verbose=0)
    model.learn(48, [evaluation, OnfitCallback([stopping, history], steps_per_epoch=8)])
    assert len(history.epoch) == 6
    assert len(history.history["val_mean_reward"]) == 2


def test_an_agent_that_updates_at_every_step_has_long_epochs():
    history = History()
    small = {"net_arch": [4]}
    model = DQN("MlpPolicy", Walk(), learning_starts=5, device="cpu", policy_kwargs=small)
    model.learn(60, OnfitCallback([history], steps_per_epoch=20))
    assert history.epoch == [0, 1, 2]
    assert history.run.progress.step == 60


def test_a_stop_within_an_epoch_ends_it():
    history, model = History(), agent()
    model.learn(80, OnfitCallback([TimeLimit(1e-6), history]))
    assert model.num_timesteps == 1
    assert history.epoch == [0]


def test_a_training_that_goes_on_counts_its_epochs_on():
    history, model = History(), agent()
    callback = OnfitCallback([history], steps_per_epoch=8)
    model.learn(16, callback)
    model.learn(16, callback, reset_num_timesteps=False)
    assert history.epoch == [2, 3]


@pytest.mark.parametrize("same_callback", [True, False])
def test_epochs_that_end_between_updates_are_counted_as_they_were_called(same_callback):
    history, model = History(), agent()
    callback = OnfitCallback([history], steps_per_epoch=12)
    model.learn(40, callback)  # an update comes after 8 steps, so an epoch has 16, and the last 8
    assert (history.epoch, history.params["epochs"]) == ([0, 1, 2], 3)
    if not same_callback:
        callback = OnfitCallback([history], steps_per_epoch=12)
    model.learn(32, callback, reset_num_timesteps=False)
    assert (history.epoch, history.params["epochs"]) == ([3, 4], 5)


def test_a_stop_by_another_callback_is_no_whole_training():
    history, model = History(), agent()
    model.learn(80, [StopTrainingOnMaxEpisodes(3), OnfitCallback([history], steps_per_epoch=8)])
    assert (history.run.outcome, history.run.stopped_by) == ("stopped", "Stable-Baselines3")


def test_a_callback_that_hears_of_some_steps_alone_is_one_sentence():
    class Notes(Callback):
        def on_train_end(self, logs=None):
            self.outcome = self.run.outcome

    notes = Notes()
    with pytest.raises(CapabilityError, match="such as EveryNTimesteps"):
        agent().learn(16, EveryNTimesteps(4, OnfitCallback([notes])))
    assert notes.outcome == "failed"


def test_a_scheduler_of_the_callbacks_sets_the_rate_of_the_updates():
    model = agent()
    rates = LearningRateScheduler(lambda epoch: RATES[epoch] / 2)
    model.learn(16, OnfitCallback([rates], steps_per_epoch=8))
    assert model.policy.optimizer.param_groups[0]["lr"] == RATES[1] / 2


def test_a_cycle_knows_how_many_steps_there_will_be():
    model, history = agent(), History()
    cycle = OneCycle(0.1)
    model.learn(8 * 3, OnfitCallback([cycle, history], steps_per_epoch=8))
    assert cycle.params["total_steps"] == 24
    assert history.history["learning_rate"][-1] == pytest.approx(0.1 / 25 / 1e4)


def test_what_cannot_be_is_one_sentence_before_training(tmp_path):
    with pytest.raises(CapabilityError, match="CheckpointCallback"):
        OnfitCallback([BackupAndRestore(tmp_path)])
    for steps in (0, 1.5, "many", None, True):
        with pytest.raises(ArgumentError, match="a whole number of 1 or more"):
            OnfitCallback([History()], steps_per_epoch=steps)
    rates = LearningRateScheduler(lambda epoch: 0.5)
    with pytest.raises(CapabilityError, match="a schedule of its own"):
        agent(lambda remaining: 0.1).learn(8, OnfitCallback([rates]))
    with pytest.raises(CapabilityError, match="snapshot"):
        agent().learn(8, OnfitCallback([ModelCheckpoint(tmp_path / "a.pt", background=True)]))


def test_an_exception_in_a_callback_ends_the_training_for_all_of_them():
    class Raises(Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("a fault")

    class Notes(Callback):
        def on_train_end(self, logs=None):
            self.outcome = self.run.outcome

    notes = Notes()
    with pytest.raises(RuntimeError, match="a fault"):
        agent().learn(24, OnfitCallback([notes, Raises()], steps_per_epoch=8))
    assert notes.outcome == "failed"
