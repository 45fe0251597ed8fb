"""Whole programs out of the Keras documents, word for word; only the import lines name onfit.

They load a data set, which comes from a server on loopback and is small here.
"""

import ast
import math
import re
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.datasets.publisher import idx, md5, publishing

import onfit as keras
from onfit.datasets import fashion_mnist
from onfit.layers import Dense
from onfit.models import Sequential


def run(code, **names):
    """Run a quoted block with `names` around it; what it leaves defined."""
    code = code.replace("import tensorflow as tf", "import onfit as tf")
    code = code.replace("from tensorflow import keras", "from onfit import keras")
    code = re.sub(r"^import keras$", "import onfit as keras", code, flags=re.MULTILINE)
    namespace = {"__name__": "__main__", **names}
    exec(compile(textwrap.dedent(code), "<document>", "exec"), namespace)
    return SimpleNamespace(**namespace)


@pytest.fixture
def _published(tmp_path, monkeypatch):
    """Pictures with light above or light below, so that there is something to learn."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    files = {}
    for part, count in (("train", 64), ("t10k", 16)):
        labels = rng.integers(2, size=count)
        images = rng.integers(100, size=(count, 28, 28))
        light = np.arange(28)[None, :] // 14 == labels[:, None]
        images += 150 * light[:, :, None]
        files[f"{part}-images-idx3-ubyte.gz"] = idx(images)
        files[f"{part}-labels-idx1-ubyte.gz"] = idx(labels)
    monkeypatch.setenv("ONFIT_HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with publishing() as publisher:
        publisher.files.update(files)
        monkeypatch.setattr(fashion_mnist, "BASE_URL", publisher.url)
        monkeypatch.setattr(fashion_mnist, "CHECKSUMS", {n: md5(c) for n, c in files.items()})
        yield


# --- the tutorial: pictures of clothes ----------------------------------------------------

CLOTHES = """
from __future__ import absolute_import, division, print_function, unicode_literals
import tensorflow as tf
from tensorflow import keras
import numpy as np

fashion_mnist = keras.datasets.fashion_mnist
(train_images, train_labels), (test_images, test_labels) = fashion_mnist.load_data()
class_names = ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal',
 'Shirt', 'Sneaker', 'Bag', 'Ankle Boot']
 
train_images = train_images / 255.0
test_images = test_images / 255.0

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
"""  # noqa: W293

HISTORY = (
    CLOTHES
    + """
train_his = model.fit(train_images, train_labels, epochs=5, callbacks=None)
print(train_his.history)
"""
)

STOPPING = (
    CLOTHES
    + """
# 조기 중단 콜백을 설정합니다.
callback = tf.keras.callbacks.EarlyStopping(monitor='acc', patience=3)
# 학습 메서드인 fit을 사용하며, 콜백 매개변수에 위에서 설정한 콜백을 지정합니다.
model.fit(train_images, train_labels, epochs=500, callbacks=[callback])
"""
)

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


@pytest.mark.usefixtures("_published")
def test_pictures_are_fetched_learned_and_the_history_printed(capsys):
    left = run(HISTORY)
    said = capsys.readouterr().out.splitlines()
    assert len([line for line in said if line.startswith("Downloading http://127.0.0.1")]) == 4
    assert left.train_images.shape == (64, 28, 28)
    assert left.train_images.max() <= 1.0
    history = ast.literal_eval(said[-1])
    assert history == left.train_his.history
    assert list(history) == ["loss", "accuracy"]
    assert len(history["accuracy"]) == 5
    assert left.train_his.history["acc"] == history["accuracy"]


@pytest.mark.usefixtures("_published")
def test_training_stops_three_epochs_after_the_best_accuracy(capsys):
    left = run(STOPPING)
    accuracies = left.model.history.history["acc"]
    assert len(accuracies) == int(np.argmax(accuracies)) + 4 < 500
    assert max(accuracies) > 0.9
    said = capsys.readouterr().out
    assert f"Epoch {len(accuracies)}/500\n" in said
    assert re.search(r"^64/64 \[={30}\] - .* - loss: \d\.\d{4} - accuracy: \d\.\d{4}", said, re.M)
    _, accuracy = left.model.evaluate(left.test_images, left.test_labels, verbose=0)
    assert accuracy > 0.9


@pytest.mark.usefixtures("_published")
def test_the_rate_falls_after_ten_epochs():
    left = run(
        CLOTHES
        + SCHEDULE.replace("data, labels", "train_images, train_labels", 1).replace(
            "(val_data, val_labels)", "(test_images, test_labels)"
        )
    )
    history = left.model.history.history
    expected = [0.001] * 10 + [0.001 * math.exp(-0.1 * after) for after in range(90)]
    assert history["lr"] == pytest.approx(expected)
    assert len(history["val_loss"]) == 100
    assert isinstance(left.scheduler(20), torch.Tensor)


# --- a callback of one's own that looks inside --------------------------------------------

ACTIVATIONS = """
import keras
import numpy as np

class ActivationLogger(keras.callbacks.Callback):
  def set_model(self, model): # 호출하는 모델에 대한 정보를 전달하기 위해 훈련 전에 호출한다.
    self.model = model
    layer_outputs = [layer.outputs for layer in model.layers]
    self.activations_model = keras.models.Model(inputs = model.input, outputs = layer_outputs)
  
  def on_epoch_end(self, epoch, logs = None): # 매 에포크가 끝날 때 마다 호출한다.
    if self.validation_data is None:
      raise RuntimeError('Requires validation_data.')
      
    validation_sample = self.validation_data[0][0:1]
    activations = self.activations_model.predict(validation_sample)
    
    f = open('activations_at_epoch_' + str(epoch) + '.npz', 'wb')
    np.savez(f, activations)
    f.close()
"""  # noqa: W293


def layers_of_one_size():
    """numpy stacks the activations, so all layers must put out as much."""
    model = Sequential([Dense(4, activation="tanh", input_dim=4), Dense(4), Dense(4, "sigmoid")])
    model.compile("rmsprop", "binary_crossentropy", metrics=["acc"])
    return model


def test_what_layers_put_out_is_written_after_each_epoch(tmp_path):
    model, logger = layers_of_one_size(), run(ACTIVATIONS).ActivationLogger()
    x = np.random.default_rng(0).normal(size=(12, 4))
    y = (x > 0).astype(int)
    model.fit(x, y, epochs=2, validation_data=(x[3:], y[3:]), callbacks=[logger], verbose=0)
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == [
        "activations_at_epoch_0.npz",
        "activations_at_epoch_1.npz",
    ]
    written = np.load("activations_at_epoch_1.npz")["arr_0"]
    assert written.shape == (3, 1, 4)
    np.testing.assert_allclose(written[2], model.predict(x[3:4], verbose=0), rtol=1e-6)
    hidden = np.tanh(x[3:4] @ model.get_weights()[0] + model.get_weights()[1])
    np.testing.assert_allclose(written[0], hidden, rtol=1e-5)


def test_the_logger_shares_the_models_weights_and_follows_its_training():
    model, logger = layers_of_one_size(), run(ACTIVATIONS).ActivationLogger()
    x, y = np.ones((4, 4)), np.zeros((4, 4))
    model.fit(x, y, epochs=2, validation_data=(x, y), callbacks=[logger], verbose=0)
    first, second = (np.load(f"activations_at_epoch_{epoch}.npz")["arr_0"] for epoch in (0, 1))
    assert not np.array_equal(first, second)


def test_the_logger_asks_for_validation_data():
    model, logger = layers_of_one_size(), run(ACTIVATIONS).ActivationLogger()
    with pytest.raises(RuntimeError, match=r"Requires validation_data\."):
        model.fit(np.ones((4, 4)), np.zeros((4, 4)), callbacks=[logger], verbose=0)


def test_the_logger_is_a_callback_of_onfit():
    assert issubclass(run(ACTIVATIONS).ActivationLogger, keras.callbacks.Callback)
