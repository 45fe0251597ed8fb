"""What callbacks see of the model of fastai's Learner."""

from typing import Any

from fastai.callback.schedule import ParamScheduler

from onfit.core.faces import HasLearningRate
from onfit.integrations.faces.nets import HostedNet
from onfit.integrations.hosting.values import numbers_in, renamed


class FastaiModel(HostedNet):
    """The model of a Learner."""

    def __init__(self, learn: Any) -> None:
        scheduled = any("lr" in each.scheds for each in learn._grab_cbs(ParamScheduler))
        super().__init__(learn.model, None if scheduled else FastaiRate(learn))

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


def recorded(learn: Any) -> dict[str, Any]:
    """What a Learner has recorded of the epoch, in Keras' words, but for its smoothed loss."""
    names = getattr(getattr(learn, "recorder", None), "metric_names", ())[1:]
    numbers = numbers_in(dict(zip(names, getattr(learn, "final_record", ()), strict=False)))
    numbers.pop("train_loss", None)
    return renamed(numbers, {"train_": "", "valid_": "val_", "": "val_"})
