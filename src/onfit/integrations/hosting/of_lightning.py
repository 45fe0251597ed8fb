"""What a session has to know of a training of Lightning's Trainer."""

from typing import Any


def settings_of(trainer: Any) -> dict[str, Any]:
    """The arguments of the session, from the Trainer."""
    batches, between = trainer.num_training_batches, trainer.val_check_batch
    steps = trainer.estimated_stepping_batches * trainer.accumulate_grad_batches
    return {
        "optimizer": trainer.optimizers or None,
        "epochs": max(trainer.max_epochs, trainer.current_epoch),
        "initial_epoch": trainer.current_epoch,
        "params": {
            "steps": None if batches == float("inf") else batches,
            "total_steps": None if trainer.max_steps == -1 else int(steps),
        },
        "decide_at": "validations" if between is None or between < batches else "epochs",
        "in_steps": trainer.max_epochs == -1,
        "trial": bool(trainer.fast_dev_run),
    }
