"""onfit's callbacks in a training of XGBoost, by its own functions or those of scikit-learn."""

import json
from typing import Any

import numpy as np
from xgboost import Booster
from xgboost.callback import TrainingCallback

from onfit.integrations.boosted import BoostedModel, Boosting, in_keras_words, refuse_folds

_TRAINING = ("train", "training", "dtrain")
_UP = {"auc", "aucpr", "pre", "map", "ndcg", "interval-regression-accuracy"}
_DOWN = {"rmsle", "mphe", "logloss", "mlogloss", "merror", "quantile", "gamma-deviance"}


class OnfitCallback(Boosting, TrainingCallback):
    """Calls onfit's callbacks in `xgboost.train` and in XGBoost's estimators. A round is an epoch
    of one batch; where a callback counts samples, it counts rounds.

    What XGBoost calls `eval-logloss` is `val_logloss` in `logs`. The rule: a metric of a data set
    named `train`, `training` or `dtrain` has its bare name; of the other sets the last one gives
    the `val_` values, and each further one keeps its name (`validation_0_logloss`). So of the
    `eval_set` of an estimator the last counts.

    A stop ends the training after the round. `EarlyStopping(restore_best_weights=True)` leaves the
    rounds up to the best one. Callbacks set the rate of the next rounds. `ModelCheckpoint` writes
    `.ubj` and `.json`, which `Booster.load_model` reads. With `xgb_model=` epochs are counted on.

    XGBoost tells its callbacks of no error: where one comes from elsewhere, no end hook is called.

    Args:
        callbacks: onfit's callbacks, called in this order.

    Attributes:
        session: the `onfit.Session` of the training; None before.

    Raises:
        CapabilityError: for `BackupAndRestore`; and before the first round, for `xgboost.cv`, or if
            the booster lacks what a callback needs.

    Example:
        >>> from onfit.callbacks import EarlyStopping
        >>> onfit_callback = OnfitCallback([EarlyStopping("val_logloss", patience=3)])
    """

    owner = "XGBoost"
    instead = (
        "go on from a file of ModelCheckpoint with xgboost.train(..., xgb_model='last.ubj') or "
        "fit(..., xgb_model='last.ubj')"
    )

    def before_training(self, model: Any) -> Any:
        if not isinstance(model, Booster):
            raise refuse_folds("xgboost")
        self.begin(XGBoostModel(model), model.num_boosted_rounds())
        return model

    def before_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self._results = evals_log
        return self.begin_round()

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        named = [
            (name, metric, values[-1])
            for name, metrics in evals_log.items()
            for metric, values in metrics.items()
        ]
        return self.end_round(in_keras_words(named, _TRAINING))

    def after_training(self, model: Any) -> Any:
        self.running.model.booster = model
        if self.running.in_epoch:  # another callback stopped the training at this round
            self.after_iteration(model, 0, self._results)
        self.running.train_end()
        return self.running.model.booster


class XGBoostRate:
    """A booster's learning rate."""

    def __init__(self, booster: Booster) -> None:
        self._booster = booster

    @property
    def learning_rate(self) -> float:
        """The rate of the next round."""
        rate = _found("learning_rate", json.loads(self._booster.save_config()))
        return float(str(np.float32(rate)))  # it is kept in single precision: 0.300000012

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._booster.set_param("learning_rate", value)


class XGBoostModel(BoostedModel):
    """A booster of XGBoost."""

    suffixes = (".ubj", ".json")

    def __init__(self, booster: Booster) -> None:
        super().__init__(booster, XGBoostRate(booster))
        config = json.loads(booster.save_config())
        trees = config["learner"]["gradient_booster"]["name"] == "gbtree"
        self.only_adds = trees and _found("process_type", config) == "default"

    @property
    def rounds(self) -> int:
        return int(self.booster.num_boosted_rounds())

    def as_bytes(self, suffix: str) -> bytes:
        return bytes(self.booster.save_raw(suffix.removeprefix(".")))

    def load(self, content: bytes) -> None:
        self.booster.load_model(bytearray(content))

    def cut(self, rounds: int) -> None:
        self.load(bytes(self.booster[:rounds].save_raw("ubj")))

    def metric_direction(self, name: str) -> str | None:
        """Whether a metric should grow or shrink, for those whose name does not say so."""
        metric = name.rpartition("_")[2].partition("@")[0]
        down = metric in _DOWN or metric.endswith("-nloglik")
        return "max" if metric in _UP else "min" if down else None


def _found(key: str, config: Any) -> Any:
    """The value of `key` in nested dicts and lists; None if it is nowhere."""
    if isinstance(config, dict) and key in config:
        return config[key]
    inner = config.values() if isinstance(config, dict) else config
    inner = inner if isinstance(config, dict | list) else ()
    return next((found for each in inner if (found := _found(key, each)) is not None), None)
