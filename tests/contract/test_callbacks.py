"""Every argument of every callback of Keras 3.15, 2.3.1 and 2.2.4 is kept."""

from typing import Any

import keras
import pytest
from tests.contract.walker import KEPT, Argument, arguments_of, lacking, signature, verdict
from tests.twin.keras_twin import tolerant_of_keras

from onfit import callbacks
from onfit.errors import OnfitWarning

pytestmark = [
    tolerant_of_keras,
    pytest.mark.filterwarnings("ignore:TensorBoard.*written only with"),
]


def halve(epoch: int) -> float:
    return 0.5


def told(*arguments: Any) -> None:
    """A hook of a LambdaCallback."""


REQUIRED = {
    "backup_dir": "backup",
    "filename": "log.csv",
    "filepath": "best.keras",
    "schedule": halve,
    "limit": "1 hour",
}
VALUES: dict[str, Any] = {
    **REQUIRED,
    "append": True,
    "baseline": 0.5,
    "batch_size": 16,
    "cooldown": 3,
    "count_mode": "steps",
    "delete_checkpoint": False,
    "double_checkpoint": True,
    "embeddings_data": [[1.0]],
    "embeddings_freq": 2,
    "embeddings_layer_names": ["embedding"],
    "embeddings_metadata": "words.tsv",
    "factor": 0.3,
    "field": "what",
    "headers": {"X": "1"},
    "histogram_freq": 2,
    "initial_value_threshold": 0.5,
    "load_weights_on_restart": True,
    "log_dir": "elsewhere",
    "min_delta": 0.25,
    "min_lr": 0.125,
    "mode": "max",
    "monitor": "val_acc",
    "path": "/here",
    "patience": 7,
    "period": 3,
    "profile_batch": 2,
    "raise_error": True,
    "restore_best_weights": True,
    "root": "http://host:1",
    "save_best_only": True,
    "save_freq": "batch",
    "save_weights_only": True,
    "send_as_json": True,
    "separator": ";",
    "start_from_epoch": 4,
    "stateful_metrics": {"auc"},
    "swap_on_epoch": True,
    "update_freq": "batch",
    "verbose": 1,
    "write_graph": False,
    "write_grads": True,
    "write_images": True,
    "write_steps_per_second": True,
    **dict.fromkeys(
        [f"on_{event}_{edge}" for event in ("epoch", "batch", "train", "train_batch")
         for edge in ("begin", "end")], told
    ),
}  # fmt: skip
# What Keras has and onfit has not, and why.
LACKING = {
    "OrbaxCheckpoint": "it writes with Google's orbax, for jax",
}
# Further arguments of these, from the sources of Keras 2.2.4 and 2.3.1.
OLDER = {
    "EarlyStopping": [
        "monitor", "min_delta", "patience", "verbose", "mode", "baseline", "restore_best_weights",
    ],
    "ModelCheckpoint": [
        "filepath", "monitor", "verbose", "save_best_only", "save_weights_only", "mode", "period",
    ],
    "ProgbarLogger": ["count_mode", "stateful_metrics"],
    "BaseLogger": ["stateful_metrics"],
    "ReduceLROnPlateau": [
        "monitor", "factor", "patience", "verbose", "mode", "min_delta", "cooldown", "min_lr",
    ],
    "RemoteMonitor": ["root", "path", "field", "headers", "send_as_json"],
    "TensorBoard": [
        "log_dir", "histogram_freq", "batch_size", "write_graph", "write_grads", "write_images",
        "embeddings_freq", "embeddings_layer_names", "embeddings_metadata", "embeddings_data",
        "update_freq", "profile_batch",
    ],
    "CSVLogger": ["filename", "separator", "append"],
    "LearningRateScheduler": ["schedule", "verbose"],
}  # fmt: skip

NEWER = [
    argument
    for argument in arguments_of(keras.callbacks, callbacks)
    if argument.owner not in ("Callback", "CallbackList")
    # Keras' ReduceLROnPlateau takes further arguments, and passes none of them on.
    and str(argument) != "ReduceLROnPlateau(baseline)"
]
OF_KERAS_2 = [
    Argument(name, argument, None, getattr(callbacks, name), False)
    for name, arguments in OLDER.items()
    for argument in arguments
]


@pytest.mark.parametrize("argument", [*NEWER, *OF_KERAS_2], ids=str)
def test_every_argument_of_keras_is_kept(argument: Argument) -> None:
    assert verdict(argument, VALUES[argument.name], REQUIRED) == KEPT


@pytest.mark.parametrize("name", OLDER)
def test_without_names_the_arguments_have_the_order_of_keras_2(name: str) -> None:
    ours = [each for each in signature(getattr(callbacks, name)) if each in OLDER[name]]
    assert ours == OLDER[name]


def test_the_callbacks_that_are_not_here_are_these() -> None:
    assert {*lacking(keras.callbacks, callbacks)} <= {*LACKING}


@pytest.mark.parametrize(("double", "keep"), [(True, 2), (False, 1)])
def test_double_checkpoint_says_how_many_checkpoints_stay(double: bool, keep: int) -> None:
    assert callbacks.BackupAndRestore("backup", double_checkpoint=double).keep == keep


def test_epsilon_is_the_older_name_of_min_delta() -> None:
    with pytest.warns(OnfitWarning, match="older name of min_delta"):
        assert callbacks.ReduceLROnPlateau(epsilon=0.25).min_delta == 0.25
