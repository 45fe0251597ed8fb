"""Where onfit and Keras 3.15 disagree on purpose: the one list of it.

The twin tests compare everything else. Each entry has a test of its own that shows what both
do, marked with `@excluded(name)`; `test_exclusions.py` sees to it.
"""

from collections.abc import Callable
from typing import TypeVar

_Test = TypeVar("_Test", bound=Callable[..., object])

EXCLUSIONS = {
    # training
    "steps that do not divide the data": (
        "Keras cuts an epoch short, with a warning, where the data end; onfit begins the data "
        "anew, so that every epoch has the steps that were asked for."
    ),
    "class_weight beside sample_weight": (
        "Keras refuses both at once; onfit multiplies them, as Keras 2 did."
    ),
    "a stop at a batch skips validation": (
        "Keras validates after a stop at a batch; onfit ends the epoch with what there is."
    ),
    # metrics
    "one output says 1 above a half": (
        "Without a threshold, Keras' F1Score takes a model's only output for the largest, so "
        "that it always says 1; onfit compares it with 0.5."
    ),
    "f1_score is one number": (
        "By its name, Keras' F1Score gives a score for each class, which no callback can "
        "monitor; onfit their mean."
    ),
    # optimizers
    "a restart comes at its step": (
        "Keras' CosineDecayRestarts finds the cycle with logarithms in single precision, and "
        "some restarts come a step late; onfit counts."
    ),
    # every callback that monitors
    "NaN is never the best": (
        "Keras takes a first NaN as the best, and nothing ever improves on it; onfit waits for "
        "a number."
    ),
    "a direction told by the name": (
        "Keras' mode='auto' knows only the metrics of compile and the loss; onfit also reads "
        "the name, so val_acc grows even where accuracy was compiled."
    ),
    "an unknown direction is an error before training": (
        "Keras finds out at the end of the first epoch; onfit before the first batch."
    ),
    "an unknown mode is an error": "Keras warns and takes 'auto'; onfit names the modes.",
    "a missing monitor is said once": "Keras warns in every epoch; onfit in the first.",
    "an alias finds the quantity": (
        "Keras looks for the exact name; onfit finds val_accuracy when asked for val_acc."
    ),
    # EarlyStopping
    "a baseline that is not beaten stops the training": (
        "Keras 3's code never stops while the quantity improves below the baseline, against its "
        "own words; onfit stops after patience epochs that did not beat it, as Keras 2 does."
    ),
    "the best weights come back at the end": (
        "Keras 2 gives them back at the epoch that stops; onfit in on_train_end, as Keras 3 does, "
        "so that the callbacks of that last epoch see its own weights."
    ),
    "best_epoch is None before the first": "Keras says 0, which is an epoch; onfit says None.",
    # ReduceLROnPlateau
    "a reduction that changes nothing is not told": (
        "Keras says that it reduces the rate to what it already is; onfit says nothing."
    ),
    "a rate that can never be lowered is said": (
        "Keras says nothing where min_lr is not below the rate; onfit warns once."
    ),
    "an unknown argument is an error": (
        "Keras swallows whatever ReduceLROnPlateau is given; onfit takes epsilon, the older "
        "name of min_delta, and refuses the rest."
    ),
    "empty logs are written into": (
        "Keras puts the learning rate into a new dict where logs are empty, and nobody sees it."
    ),
    # ModelCheckpoint
    "a missing monitor never saves": (
        "Keras overwrites the best model with whatever there is; onfit saves nothing."
    ),
    "the seventh place is the period": (
        "Keras 3 has save_freq there, in batches; onfit the period in epochs, as Keras 2 has."
    ),
    "save_freq counts samples": (
        "Keras' whole numbers are batches; onfit's are samples, and '2 batches' says batches."
    ),
    "the best of batches": (
        "Keras ends with a TypeError where save_best_only meets a save_freq of batches; onfit "
        "compares."
    ),
    "a count of batches starts with the fit": (
        "Keras goes on counting batches from the last fit; onfit counts each fit's own."
    ),
    "any name of a file": (
        "Keras wants .keras, .h5 or .weights.h5; to onfit's callback a name is a name."
    ),
    # LearningRateScheduler
    "any one number is a rate": (
        "Keras refuses whole numbers, arrays and tensors; onfit takes one number of any kind."
    ),
    "a rate is finite and not negative": "Keras sets NaN; onfit refuses what cannot be meant.",
    "a TypeError in a schedule is its own": (
        "Keras calls the schedule again with one argument and hides the error; onfit looks at "
        "what the schedule takes."
    ),
    "a rate is in double precision": (
        "Keras keeps the rate in single precision; onfit as a Python float, so 0.1 times 0.1 is "
        "0.010000000000000002."
    ),
    # LambdaCallback
    "a name that is no hook is an error": (
        "Keras' LambdaCallback makes an attribute of whatever it is given, so a misspelt hook is "
        "never called; onfit names the hooks."
    ),
    # TerminateOnNaN, and whatever else raises
    "on_train_end is called after an error": (
        "Keras leaves out on_train_end where a callback or a batch raises; onfit calls it however "
        "training ended."
    ),
    # RemoteMonitor
    "a server has a bounded time": (
        "Keras waits as long as the server likes, and follows it elsewhere; onfit passes a "
        "timeout, follows no redirect and reads no answer."
    ),
    # CSVLogger
    "no val_ columns without validation": (
        "Keras adds a val_ column for every name, even val_learning_rate, where the first "
        "epoch has none; onfit writes what is logged."
    ),
    "a later name gets a column": "Keras drops it; onfit adds a column, with NA above.",
    "appending to other columns is an error": (
        "Keras writes rows under a header that is not theirs; onfit refuses."
    ),
    "nothing is written before the first epoch": (
        "Keras empties the file when training begins; onfit when there is a line for it."
    ),
    "a training that goes on keeps its lines": (
        "With append=False, Keras empties the file at a second fit, whatever its initial_epoch; "
        "onfit goes on in it where epochs go on, and else renames it."
    ),
    # TensorBoard; Keras' own needs TensorFlow, so these tests show what onfit does alone
    "histograms have the weights' own names": (
        "Keras writes dense/bias/histogram and dense/bias/image; onfit names a weight as the net "
        "does: dense.bias, and dense.bias/image."
    ),
    "histograms of weights need no validation data": (
        "Keras 2 refuses histogram_freq without validation data; onfit writes the histograms of "
        "weights, and says once that those of layers' outputs and gradients are left out."
    ),
    "a second fit has curves of its own": (
        "Keras writes a second fit into the same curves; onfit into fit_2, unless initial_epoch "
        "says that it goes on."
    ),
    "the projector's file is where events are": (
        "Keras writes projector_config.pbtxt into log_dir; onfit into train/, as TensorBoard "
        "finds it beside events."
    ),
    # BackupAndRestore
    "a backup at any cadence": (
        "Keras takes 'epoch' or a number of batches; onfit also 'batch' and cadences such as "
        "'10 minutes'."
    ),
    "the place is the run's": (
        "Keras' callback counts epochs and batches in private attributes; onfit's run does, as "
        "run.progress."
    ),
    # Callback
    "validation_data has two entries": (
        "Keras 2 lists inputs, targets and weights of 1; onfit inputs and targets, so that both "
        "can be unpacked, and [2] gives the weights of 1."
    ),
    # History
    "a used History starts anew": (
        "Keras resets the epochs and keeps the values of the last fit; onfit resets both."
    ),
}


def excluded(name: str) -> Callable[[_Test], _Test]:
    """Mark a test as the one that shows what both do."""
    if name not in EXCLUSIONS:
        raise KeyError(f"{name!r} is not in the list of exclusions")

    def mark(test: _Test) -> _Test:
        test.__dict__.setdefault("shows", []).append(name)
        return test

    return mark
