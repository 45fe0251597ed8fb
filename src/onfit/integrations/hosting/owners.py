"""What owns each library's loop, and how a training goes on there without `BackupAndRestore`."""

from typing import NamedTuple


class Owner(NamedTuple):
    """The owner of a loop.

    Attributes:
        name: what errors call it.
        instead: what to write in place of `BackupAndRestore`.
    """

    name: str
    instead: str


FASTAI = Owner(
    "fastai's Learner",
    "use fastai's SaveModelCallback(every_epoch=True, with_opt=True), learn.load and "
    "learn.fit(..., start_epoch=)",
)
IGNITE = Owner("Ignite's Engine", "use ignite.handlers.Checkpoint and trainer.load_state_dict")
LIGHTGBM = Owner(
    "LightGBM",
    "go on from a file of ModelCheckpoint with lightgbm.train(..., init_model='last.txt') or "
    "fit(..., init_model='last.txt')",
)
LIGHTNING = Owner(
    "Lightning's Trainer",
    "write trainer.fit(model, ckpt_path=...): its checkpoints have what callbacks remember",
)
SKORCH = Owner(
    "skorch",
    "use skorch's Checkpoint and LoadInitState, or call net.load_params and then net.partial_fit",
)
STABLE_BASELINES3 = Owner(
    "Stable-Baselines3",
    "use its CheckpointCallback(save_replay_buffer=True), PPO.load and "
    "learn(..., reset_num_timesteps=False)",
)
TRANSFORMERS = Owner(
    "the Trainer of transformers",
    "write trainer.train(resume_from_checkpoint=True): its checkpoints have what callbacks "
    "remember",
)
XGBOOST = Owner(
    "XGBoost",
    "go on from a file of ModelCheckpoint with xgboost.train(..., xgb_model='last.ubj') or "
    "fit(..., xgb_model='last.ubj')",
)
