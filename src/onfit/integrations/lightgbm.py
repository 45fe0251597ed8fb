"""onfit's callbacks in a training of LightGBM, by its own functions or those of scikit-learn."""

from typing import Any

from lightgbm import Booster
from lightgbm.callback import CallbackEnv, EarlyStopException

from onfit._types import Callbacks
from onfit.integrations.faces.of_lightgbm import LightGBMModel
from onfit.integrations.hosting.of_lightgbm import refuse_other_stops
from onfit.integrations.hosting.owners import LIGHTGBM
from onfit.integrations.hosting.rounds import Boosting, refuse_folds
from onfit.integrations.hosting.values import in_keras_words

_TRAINING = ("train", "training")


class OnfitCallback(Boosting):
    """Calls onfit's callbacks in `lightgbm.train` and in LightGBM's estimators. A round is an epoch
    of one batch; where a callback counts samples, it counts rounds.

    What LightGBM calls `valid_0's binary_logloss` is `val_binary_logloss` in `logs`. The rule: a
    metric of the training data, or of a data set named `train`, has its bare name; the set named
    `val`, `valid` or `validation` gives the `val_` values, or, where none is, the last one; and
    each further one keeps its name (`valid_0_binary_logloss`). Whether a metric should grow
    LightGBM says.

    A stop ends the training after the round. `EarlyStopping(restore_best_weights=True)` leaves the
    rounds up to the best one, also in the estimator. Callbacks set the rate of the next rounds.
    `ModelCheckpoint` writes `.txt`, which `Booster(model_file=)` reads. With `init_model=` epochs
    are counted on.

    LightGBM calls callbacks after a round only, so `on_train_begin` and the first `on_epoch_begin`
    come when the first round is built: its learning rate is that of the parameters. It tells its
    callbacks of no error: where one comes from elsewhere, no end hook is called. Nor would it be
    where LightGBM's own `early_stopping` ends the training, so that one is an error, and so is a
    second `OnfitCallback`.

    Args:
        callbacks: onfit's callbacks, called in this order.

    Attributes:
        session: the `onfit.Session` of the training; None before.

    Raises:
        CapabilityError: for `BackupAndRestore`; after the first round, for `lightgbm.cv`, for
            LightGBM's own early stopping or a second `OnfitCallback`, if the booster lacks what a
            callback needs, or for another rate of the first round.

    Example:
        >>> from onfit.callbacks import EarlyStopping
        >>> onfit_callback = OnfitCallback([EarlyStopping("val_auc", patience=3)])
    """

    owner = LIGHTGBM

    def __init__(self, callbacks: Callbacks) -> None:
        super().__init__(callbacks)
        self.order = 25  # after those of LightGBM that record, before the one that stops

    def __call__(self, env: CallbackEnv) -> None:
        """LightGBM calls this after each round."""
        results = env.evaluation_result_list or []
        if env.iteration == env.begin_iteration:
            self._begin_training(env, results)
        named = [(name, metric, value) for name, metric, value, *_ in results]
        training = {*_TRAINING, getattr(env.model, "_train_data_name", "training")}
        self._results.append(results)
        begun = self.session.in_epoch  # or a callback has stopped the training at its begin
        stopping = not begun or self.end_round(in_keras_words(named, training))
        if stopping or env.iteration + 1 == env.end_iteration or self.begin_round():
            self._end_training(env)

    def _begin_training(self, env: CallbackEnv, results: Any) -> None:
        if not isinstance(env.model, Booster):
            raise refuse_folds("lightgbm")
        refuse_other_stops(self)
        self._results: list[Any] = []
        up = {metric: grows for _, metric, _, grows, *_ in results}
        model = LightGBMModel(env.model, up)
        self.begin_rounds(model, env.begin_iteration, env.end_iteration)
        self.begin_round()
        if model.optimizer is not None:
            model.optimizer.allow(self.session)

    def _end_training(self, env: CallbackEnv) -> None:
        session = self.session
        session.model.is_trained = False
        session.train_end()
        last = session.model.rounds - 1
        if session.stopping or last < env.iteration:
            score = self._results[max(last - env.begin_iteration, 0)]
            raise EarlyStopException(last, score)
