"""BaseLogger: the arithmetic of Keras' documents."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from onfit.callbacks.base_logger import BaseLogger
from onfit.core import Callback, Run


def epoch_logs(logger: BaseLogger, *batches: dict[str, Any], epoch: int = 0) -> dict[str, Any]:
    logs: dict[str, Any] = {}
    logger.on_epoch_begin(epoch, {})
    for index, batch in enumerate(batches):
        logger.on_train_batch_end(index, {"batch": index, **batch})
    logger.on_epoch_end(epoch, logs)
    return logs


def test_a_mean_is_weighted_by_the_sizes_of_the_batches():
    logs = epoch_logs(BaseLogger(), {"size": 32, "loss": 1.0}, {"size": 8, "loss": 2.0})
    assert logs == {"loss": 1.2}


def test_a_stateful_metric_is_reported_as_it_stood_last():
    logger = BaseLogger(stateful_metrics=["auc"])
    logs = epoch_logs(
        logger, {"size": 3, "loss": 1.0, "auc": 0.5}, {"size": 1, "loss": 5.0, "auc": 0.75}
    )
    assert logs == {"loss": 2.0, "auc": 0.75}


def test_a_stateful_metric_is_found_under_its_other_name():
    logs = epoch_logs(
        BaseLogger(["acc"]), {"size": 1, "accuracy": 0.2}, {"size": 1, "accuracy": 0.4}
    )
    assert logs == {"accuracy": 0.4}


def test_only_the_names_in_params_are_averaged():
    logger = BaseLogger()
    logger.set_params({"metrics": ["loss", "acc"]})
    logs = epoch_logs(logger, {"size": 2, "loss": 1.0, "accuracy": 0.5, "note": 3.0})
    assert logs == {"loss": 1.0, "accuracy": 0.5}


def test_without_names_in_params_all_numbers_but_batch_and_size_are_averaged():
    logger = BaseLogger()
    logger.set_params({"metrics": []})
    logs = epoch_logs(
        logger, {"size": 2, "loss": np.float32(0.5), "text": "x", "many": np.array([1.0, 2.0])}
    )
    assert logs == {"loss": 0.5}


def test_a_batch_without_a_size_counts_as_one_sample():
    logs = epoch_logs(BaseLogger(), {"loss": 1.0}, {"loss": 2.0}, {"size": 2, "loss": 4.0})
    assert logs == {"loss": 2.75}


def test_an_empty_batch_has_no_say():
    assert epoch_logs(BaseLogger(), {"size": 0, "loss": float("nan")}) == {}
    assert epoch_logs(BaseLogger(), {"size": 0, "loss": 9.0}, {"size": 2, "loss": 1.0}) == {
        "loss": 1.0
    }


def test_a_name_that_some_batches_lack_is_averaged_over_those_that_have_it():
    logs = epoch_logs(BaseLogger(), {"size": 2, "loss": 1.0, "aux": 3.0}, {"size": 2, "loss": 3.0})
    assert logs == {"loss": 2.0, "aux": 3.0}


def test_an_epoch_without_batches_writes_nothing_of_the_epoch_before():
    logger = BaseLogger(["auc"])
    epoch_logs(logger, {"size": 1, "loss": 1.0, "auc": 0.5})
    assert epoch_logs(logger, epoch=1) == {}


def test_each_epoch_begins_anew():
    logger = BaseLogger()
    epoch_logs(logger, {"size": 1, "loss": 1.0})
    assert epoch_logs(logger, {"size": 1, "loss": 3.0}, epoch=1) == {"loss": 3.0}


def test_hooks_may_be_called_without_an_epochs_begin():
    logger, logs = BaseLogger(), {}
    logger.on_train_batch_end(0, {"size": 1, "loss": 0.5})
    logger.on_epoch_end(0, logs)
    assert logs == {"loss": 0.5}


def test_no_logs_are_no_error():
    logger = BaseLogger()
    logger.on_train_batch_end(0, None)
    logger.on_epoch_end(0, None)


def test_it_averages_what_other_callbacks_wrote_into_the_batches():
    class Doubled(Callback):
        def on_train_batch_end(self, batch, logs=None):
            logs["doubled"] = 2 * logs["loss"]

    seen = {}

    class Reader(Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.update(logs)

    with Run(SimpleNamespace(), [Doubled(), BaseLogger(), Reader()], epochs=1) as run:
        for _ in run.epochs():
            for batch in run.batches([[1.0, 1.0, 1.0], [5.0]]):
                run.log(loss=batch[0])
    assert seen == {"loss": 2.0, "doubled": 4.0}


def test_it_hears_only_what_it_needs():
    heard = [hook for hook in ("on_train_batch_begin", "on_train_begin", "on_test_batch_end")
             if BaseLogger().hears(hook)]  # fmt: skip
    assert heard == []
