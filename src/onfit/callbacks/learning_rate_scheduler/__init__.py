"""LearningRateScheduler: a learning rate for each epoch, or each batch, from a function."""

from onfit.callbacks.learning_rate_scheduler.callback import LearningRateScheduler

__all__ = ["LearningRateScheduler"]
