"""Calls as users write them: what they give, and the mistakes among them, which a type checker has
to find. mypy and pyright read this file (`tests/test_typed.py`); it is never run.

A mistake ends in `# type: ignore[...]`. Both checkers refuse such a comment where there is none.
"""

from collections.abc import Iterator
from typing import Any, assert_type

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

import onfit
import onfit as keras_like
import onfit.keras.layers as keras_layers
from onfit import (
    Input,
    Model,
    Run,
    Sequential,
    Session,
    keras,
    layers,
    losses,
    metrics,
    optimizers,
)
from onfit.callbacks import (
    Callback,
    CallbackList,
    EarlyStopping,
    History,
    ModelCheckpoint,
)
from onfit.keras import layerz  # type: ignore[attr-defined]
from onfit.keras.callbacks import EarlyStopping as KerasEarlyStopping
from onfit.keras.datasets import mnist
from onfit.keras.layers import Conv2d  # type: ignore[attr-defined]
from onfit.keras.optimizers.schedules import ExponentialDecay
from onfit.keras.preprocessing.sequence import pad_sequences
from onfit.keras.utils.np_utils import to_categorical
from onfit.layers import Conv2d as Conv2dOfLayers  # type: ignore[attr-defined]
from onfit.layers import Dense, Dropout
from onfit.losses import MSELoss  # type: ignore[attr-defined]
from onfit.optimizers.learning_rate import LearningRate

x = np.zeros((8, 3), "float32")
y = np.zeros((8, 1), "float32")

# --- second names ----------------------------------------------------------------------------

assert_type(keras_layers.Dense(1), Dense)
assert_type(keras.layers.Dense(1), Dense)
assert_type(KerasEarlyStopping(), EarlyStopping)
assert_type(to_categorical([0, 1]), np.ndarray[Any, Any])
assert_type(pad_sequences([[1], [2, 3]]), np.ndarray[Any, Any])
mnist.load_data()
rate = keras_like.nn.relu(torch.ones(1)) + keras.math.exp(0.5) + keras.nn.tanh(torch.ones(1))
keras.layers.Conv2d(1, 1)  # type: ignore[attr-defined]
onfit.Modle()  # type: ignore[attr-defined]
onfit.callbacks.CsvLogger("log.csv")  # type: ignore[attr-defined]

# --- models ----------------------------------------------------------------------------------

inputs = Input((3,))
functional = assert_type(Model(inputs, Dense(1)(inputs)), Model)
by_name = assert_type(Model(inputs=inputs, outputs={"a": Dense(1)(inputs)}, name="f"), Model)
wrapped = assert_type(Model(nn.Linear(3, 1), name="mine"), Model)
stack = Sequential([Input((3,)), Dense(4, activation=torch.relu), Dropout(0.1), nn.Linear(4, 1)])
Model(3, 4)  # type: ignore[call-overload]
Model(nn.Linear(3, 1), nam="mine")  # type: ignore[call-overload]
Sequential([Dense])  # type: ignore[list-item]
stack.add(Dense)  # type: ignore[arg-type]
Input("3")  # type: ignore[arg-type]


class Mine(Model):
    def __init__(self, units: int) -> None:
        super().__init__(name="mine")
        self.dense = Dense(units)

    def call(self, x: Tensor, training: bool | None = None) -> Any:
        return self.dense(x, training=training)

    def halved(self) -> float:
        return 0.5


class Bare(Model):
    def forward(self, x: Tensor) -> Tensor:
        return x


models: list[Model] = [wrapped, functional, by_name, stack, Mine(3), Bare(), Bare(name="b")]

# --- layers ----------------------------------------------------------------------------------

Dense(3, "relu", kernel_regularizer="l2", kernel_initializer=np.ones((3, 3)), dtype="float32")
Dense(3, lambda x: x, bias_constraint=keras.constraints.NonNeg(), dtype=torch.float64)
Dense("3")  # type: ignore[arg-type]
Dense(3, activation=3)  # type: ignore[arg-type]
Dense(3, kernel_regularizer=0.1)  # type: ignore[arg-type]
Dense(3, kernel_initializer=1)  # type: ignore[arg-type]
layers.Cropping2D("1")  # type: ignore[arg-type]

# --- compile ---------------------------------------------------------------------------------

model = Sequential([Dense(1)])
model.compile("adam", "mse", ["acc", metrics.AUC(), losses.mean_squared_error])
model.compile(optimizers.Adam(1e-3), losses.Huber(), metrics="acc", weighted_metrics=["mae"])
model.compile(torch.optim.SGD(model.parameters(), lr=0.1), nn.MSELoss())
model.compile(torch.optim.Adam, lambda y_true, y_pred: (y_true - y_pred).abs().mean())
model.compile(lambda params: torch.optim.SGD(params, 0.1), ["mse", None], [["acc"], ["mae"]])
model.compile("sgd", {"a": "mse", "b": nn.MSELoss()}, {"a": ["acc"]}, loss_weights={"a": 0.5})
model.compile({"class_name": "Adam", "config": {}}, "mse", loss_weights=[torch.ones(()), 1])
model.compile(3)  # type: ignore[arg-type]
model.compile("adam", loss=3)  # type: ignore[arg-type]
model.compile("adam", metrics=[3])  # type: ignore[list-item]
model.compile("adam", loss_weights=print)  # type: ignore[arg-type]
optimizers.Adam(ExponentialDecay(0.1, 1, 1))
optimizers.SGD(lambda: 0.1, momentum=0.9)
optimizers.Adam("0.1")  # type: ignore[arg-type]
assert_type(optimizers.get("adam"), optimizers.Optimizer)
assert_type(optimizers.Adam().learning_rate, LearningRate)
assert_type(losses.get("mse"), losses.Loss)
assert_type(metrics.get("acc"), metrics.Metric)
model.optimizer.learning_rate = 0.1
model.optimizer.lr = 0.1
model.optimizer.learing_rate.assign(0.1)  # type: ignore[union-attr]

# --- fit -------------------------------------------------------------------------------------


def batches() -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    yield x, y


class Batches(onfit.utils.Sequence):
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Any:
        return x, y


dataset = TensorDataset(torch.zeros(8, 3), torch.zeros(8, 1))
schedule = StepLR(torch.optim.SGD(model.parameters(), lr=0.1), 1)
history = assert_type(model.fit(x, y, epochs=2, validation_split=0.2, verbose=0), History)
losses_by_epoch: list[float] = history.history["loss"]
model.fit(torch.zeros(8, 3), torch.zeros(8, 1), callbacks=EarlyStopping(), sample_weight=y[:, 0])
model.fit(dataset, callbacks=[EarlyStopping(), ModelCheckpoint("a.keras")], validation_data=dataset)
model.fit(DataLoader(dataset), callbacks=[schedule, History()], validation_data=(x, y))
model.fit(batches(), steps_per_epoch=3, callbacks=CallbackList([History()]))
model.fit(Batches(), validation_data={"clean": (x, y), "noisy": Batches()})
model.fit([x, x], {"a": y}, class_weight={0: 1.0}, validation_freq=[1, 2])
model.fit({"a": x}, y, class_weight={"a": {0: 1.0}}, validation_freq="500 batches")
model.fit(3)  # type: ignore[arg-type]
model.fit(x, y, callbacks=["EarlyStopping"])  # type: ignore[list-item]
model.fit(x, y, callbacks=[EarlyStopping])  # type: ignore[list-item]
model.fit(x, y, epochs="2")  # type: ignore[arg-type]
EarlyStopping(mode="mx")  # type: ignore[arg-type]

# --- evaluate and predict --------------------------------------------------------------------

assert_type(model.evaluate(x, y, return_dict=True), dict[str, float])
loss, accuracy = model.evaluate(x, y)
alone: float = model.evaluate(x, y)
assert_type(model.train_on_batch(x, y, return_dict=True), dict[str, float])
assert_type(model.test_on_batch(x, y, return_dict=True), dict[str, float])
assert_type(model.predict(x), NDArray[Any] | Any)
assert_type(model.predict_on_batch(x), NDArray[Any] | Any)
classes = model.predict(x).argmax(-1)
first, second = functional.predict(x)
text: str = model.predict(x)  # type: ignore[assignment]
wrong: list[float] = model.evaluate(x, y, return_dict=True)  # type: ignore[assignment]
model.evaluate(3, y)  # type: ignore[call-overload]
model.predict(3)  # type: ignore[arg-type]
model.save("a.keras")

# --- callbacks -------------------------------------------------------------------------------


class Noted(Callback):
    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        self.seen = logs
        assert_type(self.model, Model)
        assert_type(self.model.evaluate(x, y, return_dict=True), dict[str, float])
        self.request_stop(3)  # type: ignore[arg-type]
        self.request_stop(self.run.place)
        self.request_stop(self.run.plaice)  # type: ignore[union-attr]


class OfMine(EarlyStopping):
    model: Mine

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        assert_type(self.model.halved(), float)


class Misspelt(Callback):
    def on_epoch_end(self, epoch: str, logs: dict[str, Any] | None = None) -> None:  # type: ignore[override]
        pass


# --- loops of one's own ----------------------------------------------------------------------

with Run(nn.Linear(1, 1), [Noted(), schedule], epochs=2) as run:
    for epoch in run.epochs():
        assert_type(epoch, int)
        for numbers in run.batches([[1.0], [2.0]]):
            run.log(loss=assert_type(numbers, list[float])[0])
        for held_out in run.validation(["a", "b"]):
            assert_type(held_out, str)
Run(nn.Linear(1, 1), [Noted])  # type: ignore[list-item]
Session(nn.Linear(1, 1), Noted(), epochs="2")  # type: ignore[arg-type]
