"""Classes of users' own, as they write them with types: mypy and pyright let each override pass
(`tests/test_typed.py`). Never run; see `calls.py`.
"""

from collections.abc import Callable
from typing import Any, assert_type

import torch
from torch import Tensor

from onfit import Initializer, Layer, Loss, Metric, Model, Regularizer, Sequential
from onfit import backend as K
from onfit.callbacks import Callback, LambdaCallback, LearningRateScheduler, ModelCheckpoint
from onfit.constraints import Constraint
from onfit.layers import LSTM, Dense
from onfit.metrics import Mean, StatefulMetric
from onfit.optimizers import SGD
from onfit.optimizers.schedules import LearningRateSchedule


class Scale(Layer):
    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.factor = self.add_weight("factor", (3,), "ones")
        self.bias = self.add_weight(shape=(3,), initializer="zeros", trainable=True, name="bias")

    def call(self, x: Tensor, training: bool | None = None) -> Tensor:
        return x * self.factor

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return input_shape


class Two(Layer):
    def call(self, a: Tensor, b: Tensor, mask: Tensor | None = None) -> Tensor:
        return a + b


class Mse(Loss):
    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return (y_true - y_pred).square().mean(-1)


class Count(Metric):
    def __init__(self, name: str = "count", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(name="total", initializer="zeros")

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        self.total.assign_add(y_true.sum())

    def result(self) -> Tensor:
        return self.total.value

    def reset_state(self) -> None:
        self.total.assign(0.0)


class Largest(StatefulMetric):
    direction = "max"

    def update(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None: ...
    def value(self) -> Tensor:
        return torch.ones(1)


class Const(Initializer):
    def __call__(self, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> Tensor:
        return torch.ones(shape, dtype=dtype)


class Sum(Regularizer):
    def __call__(self, weight: Tensor) -> Tensor:
        return weight.sum()


class AtLeastZero(Constraint):
    def __call__(self, weight: Tensor) -> Tensor:
        return weight.clamp(0)


class Warm(LearningRateSchedule):
    def __call__(self, step: int) -> float:
        return 0.1 * step

    def get_config(self) -> dict[str, Any]:
        return {}


class Gan(Model):
    def __init__(self) -> None:
        super().__init__()
        self.g = Sequential([Dense(1)])
        self.loss_tracker = Mean("loss")

    def call(self, x: Tensor) -> Tensor:
        out: Tensor = self.g(x)
        return out

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y = data
        loss = self.compute_loss(y=y, y_pred=self(x))
        self.optimizer.apply(torch.autograd.grad(loss, self.trainable_weights))
        return {"loss": loss}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        return super().compute_loss(x, y, y_pred, sample_weight)

    @property
    def metrics(self) -> list[Metric]:
        return [self.loss_tracker]


class Sched(Callback):
    def __init__(self, f: Callable[[int], float]) -> None:
        super().__init__()
        self.f = f
        self.run = 3

    def set_model(self, model: Any) -> None:
        super().set_model(model)

    def set_params(self, params: dict[str, Any] | None = None) -> None:
        super().set_params(params)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None: ...
    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None: ...
    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        K.set_value(self.model.optimizer.lr, 0.1)

    def hears(self, hook: str) -> bool:
        return True

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


# --- what others are asked for ---------------------------------------------------------------

LambdaCallback(
    on_epoch_end=lambda epoch, logs: logs["loss"] * epoch, on_train_end=lambda logs: None
)
LearningRateScheduler(lambda epoch: 0.1)
LearningRateScheduler(lambda epoch, lr: lr * 0.1, verbose=1)
ModelCheckpoint("a.keras", save_best_only=True, save_freq="100 batches")
model = Gan()
model.compile(SGD(Warm()), Mse(), [Count(), Largest()])
model.add_loss(torch.zeros(()))
stack = Sequential()
stack.add(LSTM(3, return_sequences=True, input_shape=(4, 2), kernel_initializer=Const()))
stack.add(Dense(1, kernel_regularizer=Sum(), kernel_constraint=AtLeastZero()))
stack.add(Scale(3, name="scale"))
kernel, *others = stack.layers[0].get_weights()
stack.get_layer("scale").trainable = False
stack.set_weights(stack.get_weights())
assert_type(stack.weights[0], Tensor)
assert_type(stack.count_params(), int)
last: list[float] = stack.history.history["loss"]
symbol = stack.layers[-1].output
tap = Model(stack.input, symbol)
K.set_value(stack.optimizer.lr, 0.1)
