"""The tutorials out of the Keras documents, word for word."""

import ast
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.keras_documents.blocks import run, small_data, small_model, steady_model

import onfit as keras
from onfit.callbacks import (
    EarlyStopping,
)
from onfit.utils import set_random_seed

# --- the tutorial: images, early stopping, schedules -----------------------------------------

IMAGES = """
model = keras.Sequential([
    keras.layers.Flatten(input_shape=(28, 28)),
    keras.layers.Dense(128, activation=tf.nn.relu),
    keras.layers.Dense(10, activation=tf.nn.softmax)
])

model.compile(
    optimizer='adam',
    loss='sparse_categorical_crossentropy',
    metrics=['accuracy']
)
"""
FIT = """
train_his = model.fit(train_images, train_labels, epochs=5, callbacks=None)
print(train_his.history)
"""
STOPPING = """
callback = tf.keras.callbacks.EarlyStopping(monitor='acc', patience=3)
model.fit(train_images, train_labels, epochs=500, callbacks=[callback])
"""
SCHEDULE = """
def scheduler(epoch):
  if epoch < 10:
    return 0.001
  else:
    return 0.001 * tf.math.exp(0.1 * (10 - epoch))

callback = tf.keras.callbacks.LearningRateScheduler(scheduler)
model.fit(data, labels, epochs=100, callbacks=[callback],
          validation_data=(val_data, val_labels))
"""
REDUCE_ON_ACC = """
reduce_lr = tf.keras.callbacks.ReduceLROnPlateau(monitor='acc', verbose=1,
                                                 factor=0.2, patience=5, min_lr=0.001)
model.fit(train_images, train_labels, epochs=500, callbacks=[reduce_lr])
"""
# In TensorFlow's place: its functions by torch's, whose results are tensors too.
TF = SimpleNamespace(
    keras=keras,
    nn=SimpleNamespace(relu="relu", softmax="softmax"),
    math=SimpleNamespace(exp=lambda x: torch.exp(torch.tensor(x))),
)


def pictures(samples=64):
    rng = np.random.default_rng(samples)
    shown = rng.integers(256, size=(samples, 28, 28), dtype=np.uint8)
    return {"train_images": shown / 255.0, "train_labels": rng.integers(10, size=samples)}


def test_fit_returns_a_history_that_finds_acc_under_both_its_names(capsys):
    left = run(IMAGES + FIT, tf=TF, **pictures())
    history = left.train_his.history
    assert list(history) == ["loss", "accuracy"]
    assert history["acc"] == history["accuracy"]
    assert len(history["loss"]) == 5
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Epoch 1/5"
    assert re.fullmatch(
        r"64/64 \[={30}\] - 0s \d+[um]s/sample - loss: \d\.\d{4} - accuracy: 0\.\d{4}", said[1]
    )
    assert ast.literal_eval(said[-1]) == history


def test_early_stopping_on_acc_stops_three_epochs_after_the_best():
    left = run(IMAGES + STOPPING, tf=TF, **pictures())
    accuracies = left.model.history.history["acc"]
    assert len(accuracies) == int(np.argmax(accuracies)) + 4 < 500


def test_a_one_argument_schedule_may_return_a_tensor():
    x, y = small_data(8)
    left = run(
        SCHEDULE.replace("epochs=100", "epochs=13, verbose=0"),
        tf=TF,
        model=small_model(),
        data=x,
        labels=y,
        val_data=x,
        val_labels=y,
    )
    rates = left.model.history.history["lr"]
    expected = [0.001] * 10 + [0.001 * math.exp(-0.1 * after) for after in range(3)]
    assert rates == pytest.approx(expected)


def test_reduce_lr_on_acc_says_what_it_does(capsys):
    x, y = small_data(8)
    left = run(
        REDUCE_ON_ACC.replace("epochs=500", "epochs=12, verbose=0"),
        tf=TF,
        model=steady_model(),
        train_images=x,
        train_labels=y,
    )
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 00006: ReduceLROnPlateau reducing learning rate to 0.001."
    ]
    assert left.model.history.history["lr"] == pytest.approx([0.002] * 6 + [0.001] * 6)


# --- moons -----------------------------------------------------------------------------------

MOONS = """
# mlp overfit on the moons dataset with patient early stopping and model checkpointing
from sklearn.datasets import make_moons
from keras.models import Sequential
from keras.layers import Dense
from keras.callbacks import EarlyStopping
from keras.callbacks import ModelCheckpoint
from matplotlib import pyplot
from keras.models import load_model
# generate 2d classification dataset
X, y = make_moons(n_samples=100, noise=0.2, random_state=1)
# split into train and test
n_train = 30
trainX, testX = X[:n_train, :], X[n_train:, :]
trainy, testy = y[:n_train], y[n_train:]
# define model
model = Sequential()
model.add(Dense(500, input_dim=2, activation='relu'))
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
# simple early stopping
es = EarlyStopping(monitor='val_loss', mode='min', verbose=1, patience=200)
mc = ModelCheckpoint('best_model.h5', monitor='val_acc', mode='max', verbose=1, save_best_only=True)
# fit model
history = model.fit(trainX, trainy, validation_data=(testX, testy), epochs=4000, verbose=0, callbacks=[es, mc])
# load the saved model
saved_model = load_model('best_model.h5')
# evaluate the model
_, train_acc = saved_model.evaluate(trainX, trainy, verbose=0)
_, test_acc = saved_model.evaluate(testX, testy, verbose=0)
print('Train: %.3f, Test: %.3f' % (train_acc, test_acc))
"""  # noqa: E501


def test_moons(capsys):
    set_random_seed(1)
    left = run(MOONS)
    said = [line for line in capsys.readouterr().out.splitlines() if line]
    assert re.fullmatch(r"Train: \d\.\d{3}, Test: 0\.9\d{2}", said[-1])
    assert re.fullmatch(
        r"Epoch 00001: val_acc improved from -inf to 0\.\d{5}, saving model to best_model\.h5",
        said[0],
    )
    epochs = len(left.history.epoch)
    losses = left.history.history["val_loss"]
    assert f"Epoch {epochs:05d}: early stopping" in said
    assert epochs == int(np.argmin(losses)) + 201
    assert left.test_acc == pytest.approx(max(left.history.history["val_acc"]))


# --- the front page of one of the documents --------------------------------------------------

VALIDATION = [
    "model.fit(train_X, train_y, validation_data=(val_x, val_y))",
    "model.fit(train_X, train_y, validation_split=0.3)",
]


@pytest.mark.parametrize("code", VALIDATION)
def test_both_ways_to_validate_log_val_loss_and_val_acc(code):
    x, y = small_data()
    model = small_model()
    run(code, model=model, train_X=x, train_y=y, val_x=x, val_y=y)
    assert list(model.history.history) == ["loss", "acc", "val_loss", "val_acc"]


@pytest.mark.parametrize(
    ("metrics", "monitor"),
    [("acc", "acc"), ("accuracy", "val_acc"), ("mse", "mse"), ("mse", "val_mean_squared_error")],
)
def test_what_compile_was_told_to_measure_can_be_monitored(metrics, monitor):
    x, y = small_data()
    model = small_model(metrics=[metrics])
    stop = EarlyStopping(monitor=monitor, mode="min", on_missing="raise")
    model.fit(x, y, epochs=2, verbose=0, validation_data=(x, y), callbacks=[stop])
    assert stop.best is not None
