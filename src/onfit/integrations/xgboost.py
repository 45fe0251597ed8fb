"""onfit's callbacks in a training of XGBoost, by its own functions or those of scikit-learn."""

from typing import Any

from xgboost import Booster
from xgboost.callback import TrainingCallback

from onfit.integrations.faces.of_xgboost import XGBoostModel
from onfit.integrations.hosting.owners import XGBOOST
from onfit.integrations.hosting.rounds import Boosting, refuse_folds
from onfit.integrations.hosting.values import in_keras_words

_TRAINING = ("train", "training", "dtrain")


class OnfitCallback(Boosting, TrainingCallback):
    """Calls onfit's callbacks in `xgboost.train` and in XGBoost's estimators. A round is an epoch
    of one batch; where a callback counts samples, it counts rounds.

    What XGBoost calls `eval-logloss` is `val_logloss` in `logs`. The rule: a metric of a data set
    named `train`, `training` or `dtrain` has its bare name; the set named `val`, `valid` or
    `validation` gives the `val_` values, or, where none is, the last one; and each further one
    keeps its name (`validation_0_logloss`). So of the `eval_set` of an estimator the last counts.

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

    owner = XGBOOST

    def before_training(self, model: Any) -> Any:
        if not isinstance(model, Booster):
            raise refuse_folds("xgboost")
        self._results: Any = {}
        self._first: int = model.num_boosted_rounds()
        self.begin_rounds(XGBoostModel(model), self._first)
        return model

    def before_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self._results, self._known = evals_log, _count(evals_log)
        return self.begin_round()

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        named = [
            (name, metric, values[-1])
            for name, metrics in evals_log.items()
            for metric, values in metrics.items()
        ]
        return self.end_round(in_keras_words(named, _TRAINING))

    def after_training(self, model: Any) -> Any:
        self.session.model.booster = model
        if self.session.in_epoch and _count(self._results) > self._known:
            # Another callback stopped the training at this round.
            self.after_iteration(model, 0, self._results)
        seen, noted = self.session.model, model.attributes()
        self.session.train_end()
        if "best_iteration" in noted and seen.rounds > self._first:
            scores = [values for each in self._results.values() for values in each.values()]
            seen.note_best(noted, scores[-1][seen.rounds - self._first - 1] if scores else None)
        return seen.booster


def _count(evals_log: Any) -> int:
    """How many values there are so far, of all metrics of all data sets."""
    return sum(len(values) for each in evals_log.values() for values in each.values())
