"""TensorBoard: one callback, and a file for each thing that it writes."""

from onfit.callbacks.tensorboard.callback import TensorBoard

__all__ = ["TensorBoard"]
