"""ModelCheckpoint: save the model while it trains, each time or only the best."""

from onfit.callbacks.model_checkpoint.callback import ModelCheckpoint

__all__ = ["ModelCheckpoint"]
