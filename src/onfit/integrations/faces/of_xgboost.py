"""What callbacks see of a booster of XGBoost."""

import json
from typing import Any

import numpy as np
from xgboost import Booster

from onfit.integrations.faces.booster import BoostedModel, is_of

_UP = {"auc", "aucpr", "pre", "map", "ndcg", "interval-regression-accuracy"}
_DOWN = {"rmsle", "mphe", "logloss", "mlogloss", "merror", "quantile", "deviance", "nloglik"}


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
        config = self.booster.save_config()  # the parameters, which a file has not
        self.booster.load_model(bytearray(content))
        self.booster.load_config(config)

    def cut(self, rounds: int) -> None:
        self.load(bytes(self.booster[:rounds].save_raw("ubj")))

    def metric_direction(self, name: str) -> str | None:
        """Whether a metric should grow or shrink, for those whose name does not say so."""
        name = name.partition("@")[0]
        if any(is_of(metric, name) for metric in _UP):
            return "max"
        return "min" if any(is_of(metric, name) for metric in _DOWN) else None

    def note_best(self, noted: dict[str, str], score: float | None) -> None:
        """Say which round XGBoost's own early stopping takes for the best, if that stands beside. A
        cut drops it; where it cut that round off, the last one left is the best.

        Args:
            noted: the attributes of the booster before the cut.
            score: the value of the last round that is left, of XGBoost's last metric.
        """
        last = self.rounds - 1
        if int(noted.get("best_iteration", -1)) > last:
            noted = {"best_iteration": str(last), "best_score": str(score)}
        names = ("best_iteration", "best_score")
        self.booster.set_attr(**{name: noted[name] for name in names if name in noted})


def _found(key: str, config: Any) -> Any:
    """The value of `key` in nested dicts and lists; None if it is nowhere."""
    if isinstance(config, dict) and key in config:
        return config[key]
    inner = config.values() if isinstance(config, dict) else config
    inner = inner if isinstance(config, dict | list) else ()
    return next((found for each in inner if (found := _found(key, each)) is not None), None)
