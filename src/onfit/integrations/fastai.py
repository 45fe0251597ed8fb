"""onfit's callbacks in the training of fastai's Learner."""

from numbers import Real
from typing import Any

from fastai.callback.core import Callback, CancelFitException
from fastai.callback.schedule import ParamScheduler

from onfit._types import Callbacks
from onfit.core.faces import HasLearningRate
from onfit.core.sizes import batch_size
from onfit.integrations.hosted import SelfEnding, listeners_for
from onfit.integrations.nets import HostedNet

_OWNER = "fastai's Learner"
_INSTEAD = (
    "use fastai's SaveModelCallback(every_epoch=True, with_opt=True), learn.load and "
    "learn.fit(..., start_epoch=)"
)


class OnfitCallback(Callback):
    """Calls onfit's callbacks in `learn.fit` and what is built on it, where they do what they do in
    `onfit.Run`.

    `logs` have `loss`, the mean over the epoch's samples (fastai prints a smoothed one), and what
    fastai records: `valid_loss` as `val_loss`, and a metric such as `accuracy` as `val_accuracy`.
    It stands aside in `lr_find` and `get_preds`.

    `fit_one_cycle` and its like set the learning rate at each batch. A callback that sets it too is
    an error there; in `fit` callbacks set it. fastai tells its callbacks of no error
    that comes from elsewhere: after one, no end hook is called.

    Args:
        callbacks: onfit's callbacks, called in this order.

    Attributes:
        session: the `onfit.Session` of the training; None before.

    Raises:
        CapabilityError: for `BackupAndRestore`; and when training begins, if the model lacks what a
            callback needs.

    Example:
        >>> from onfit.callbacks import EarlyStopping
        >>> onfit_callback = OnfitCallback([EarlyStopping(patience=3)])
    """

    order = 65  # after fastai's Recorder and those that judge what it has
    remove_on_fetch = True

    def __init__(self, callbacks: Callbacks) -> None:
        self.callbacks = list(listeners_for(callbacks, _OWNER, _INSTEAD))
        self.session: SelfEnding | None = None
        self.begins = False

    def before_fit(self) -> None:
        self.begins = True  # or an evaluation does, which has the same event

    @property
    def running(self) -> SelfEnding | None:
        """The session, while `fit` goes on."""
        session = None if self.begins else self.session
        return session if session is not None and session.training else None

    def before_train(self) -> None:
        learn = self.learn
        if hasattr(learn, "lr_finder"):
            return
        if self.begins:
            self.begins = False
            self._begin_training(learn)
        if session := self.running:
            session.epoch_begin(learn.epoch)

    def _begin_training(self, learn: Any) -> None:
        scheduled = any("lr" in each.scheds for each in learn._grab_cbs(ParamScheduler))
        self.session = SelfEnding(
            FastaiModel(learn.model, None if scheduled else FastaiRate(learn)),
            listeners_for(self.callbacks, _OWNER, _INSTEAD),
            epochs=learn.n_epoch,
            initial_epoch=learn.epoch,
            params={"steps": len(learn.dls.train)},
        )
        self.session.train_begin()

    def before_batch(self) -> None:
        if self.learn.training and (session := self.running):
            session.batch_begin(batch_size(self.learn.xb))

    def before_step(self) -> None:
        if (session := self.running) and session.model.before_update is not None:
            session.model.before_update()

    def after_batch(self) -> None:
        session, size = self.running, batch_size(self.learn.xb)
        if session and self.learn.training:
            _stop_if(session.batch_end(size, loss=self.learn.loss.detach()))
        elif session:
            session.evaluation_batch(size)

    def after_epoch(self) -> None:
        session = self.running
        if session is None or not session.in_epoch:
            return
        names = getattr(getattr(self.learn, "recorder", None), "metric_names", ())[1:]
        recorded = zip(names, getattr(self.learn, "final_record", ()), strict=False)
        numbers = {name: value for name, value in recorded if isinstance(value, Real)}
        numbers.pop("train_loss", None)  # a smoothed one
        train = {k[6:]: v for k, v in numbers.items() if k.startswith("train_")}
        rest = {k: v for k, v in numbers.items() if not k.startswith("train_")}
        if results := {k.removeprefix("valid_"): rest[k] for k in rest}:
            session.evaluation_end(results)
            session.validated(**results)
        _stop_if(session.epoch_end(**train))

    def after_fit(self) -> None:
        if session := self.running:
            session.train_end()


def _stop_if(asked: bool) -> None:
    if asked:
        raise CancelFitException


class FastaiModel(HostedNet):
    """The model of a Learner."""

    hints_for_callbacks = {  # noqa: RUF012  read alone
        HasLearningRate: "A scheduler of fastai's sets the rate at each batch, as fit_one_cycle "
        "does: train with learn.fit, or leave the callback out."
    }


class FastaiRate:
    """The learning rate of a Learner's optimizer; of several groups the last, as fastai records."""

    def __init__(self, learn: Any) -> None:
        self._learn = learn

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return float(self._learn.opt.hypers[-1]["lr"])

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        now, groups = self.learning_rate, self._learn.opt.hypers
        rates = [group["lr"] * (value / now) if now else value for group in groups[:-1]]
        self._learn.opt.set_hyper("lr", [*rates, value])
