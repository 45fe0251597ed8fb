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

    owner = XGBOOST

    def before_training(self, model: Any) -> Any:
        if not isinstance(model, Booster):
            raise refuse_folds("xgboost")
        self.begin_rounds(XGBoostModel(model), model.num_boosted_rounds())
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
        self.session.model.booster = model
        if self.session.in_epoch:  # another callback stopped the training at this round
            self.after_iteration(model, 0, self._results)
        self.session.train_end()
        return self.session.model.booster
