"""Event files read back, the way TensorBoard does it; and a training to write some."""

import json
from types import SimpleNamespace

from onfit.core import Run


def read(folder):
    """All that the event files of a folder hold."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    sizes = {"scalars": 0, "histograms": 0, "tensors": 0}
    return EventAccumulator(str(folder), size_guidance=sizes).Reload()


def histograms(folder):
    """Tag -> (step, smallest, largest, how many) of each time it was written."""
    events = read(folder)
    return {
        tag: [
            (event.step, *(getattr(event.histogram_value, of) for of in ("min", "max", "num")))
            for event in events.Histograms(tag)
        ]
        for tag in events.Tags()["histograms"]
    }


def config(folder):
    """The model's layers as they were written, parsed."""
    (event,) = read(folder).Tensors("keras")
    return json.loads(event.tensor_proto.string_val[0])


def train(callback, epochs, model=None, initial_epoch=0, validation_data=None):
    """A run of epochs with these logs, and no batches."""
    model = model or SimpleNamespace()
    end = initial_epoch + len(epochs)
    callbacks = callback if isinstance(callback, list) else [callback]
    for each in callbacks:
        each.validation_data = validation_data
    with Run(model, callbacks, epochs=end, initial_epoch=initial_epoch) as run:
        for epoch in run.epochs():
            run.log(**epochs[epoch - initial_epoch])


def train_batches(callback, batches, epochs=1, model=None, step=lambda: None):
    """A run of batches of two samples each, in which `step` is called."""
    with Run(model or SimpleNamespace(), callback, epochs=epochs) as run:
        for _ in run.epochs():
            for _ in run.batches([[0, 0]] * batches):
                step()
                run.log(loss=1.0)
