"""onfit's callbacks in the training of fastai's Learner."""

from typing import Any

from fastai.callback.core import Callback, CancelFitException

from onfit.core.sizes import batch_size
from onfit.integrations.faces.of_fastai import FastaiModel, recorded
from onfit.integrations.hosting import Hosting
from onfit.integrations.hosting.owners import FASTAI


class OnfitCallback(Hosting, Callback):
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

    owner = FASTAI
    order = 65  # after fastai's Recorder and those that judge what it has
    remove_on_fetch = True

    _depth = 0  # of the fits and evaluations that have begun: learn.validate() has the same events
    _own = 0  # the depth of the fit that the session follows

    def before_fit(self) -> None:
        self._depth += 1

    @property
    def running(self) -> Any:
        """The session, while `fit` goes on, and no evaluation within it."""
        return super().running if self._depth == self._own else None

    def before_train(self) -> None:
        learn = self.learn
        if hasattr(learn, "lr_finder"):
            return
        if self._depth != self._own:
            self._own = self._depth
            self.begin(
                FastaiModel(learn),
                epochs=learn.n_epoch,
                initial_epoch=learn.epoch,
                params={"steps": len(learn.dls.train)},
            )
        if session := self.running:
            session.epoch_begin(learn.epoch)

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
        _stop_if(session.epoch_over(recorded(self.learn)))

    def after_cancel_fit(self) -> None:
        self.end_early("it was cancelled")

    def after_fit(self) -> None:
        if self._depth == self._own:
            self.end()
            self._own = 0
        self._depth -= 1


def _stop_if(asked: bool) -> None:
    if asked:
        raise CancelFitException
