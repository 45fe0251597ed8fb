"""Code out of the Keras documents, word for word; only the import lines name onfit.

Where a document leaves something out (`model.fit(..., `, `processes = ...`), the test says
what is put there.
"""

import ast
import inspect
import json
import math
import multiprocessing
import re
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import onfit as keras
from onfit.callbacks import (
    BaseLogger,
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    RemoteMonitor,
    TensorBoard,
    TerminateOnNaN,
)
from onfit.layers import Activation, Dense
from onfit.models import Sequential, load_model
from onfit.utils import set_random_seed


def run(code, **names):
    """Run a quoted block with `names` around it; what it leaves defined."""
    code = re.sub(r"^from keras\b", "from onfit", code, flags=re.MULTILINE)
    code = re.sub(r"^import keras$", "import onfit as keras", code, flags=re.MULTILINE)
    namespace = {"keras": keras, "__name__": "__main__", **names}
    exec(compile(textwrap.dedent(code), "<document>", "exec"), namespace)
    return SimpleNamespace(**namespace)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True, scope="module")
def _on_one_thread():
    """Models this small train slower on two, and far slower where the cores are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def images(samples, features=784):
    return np.random.default_rng(samples).random((samples, features), dtype=np.float32)


def one_hot(samples, classes=10):
    return np.eye(classes)[np.random.default_rng(samples).integers(classes, size=samples)]


# --- the constructors, as each document writes them ---------------------------------------

CONSTRUCTORS = """
keras.callbacks.Callback()
keras.callbacks.BaseLogger(stateful_metrics=None)
keras.callbacks.BaseLogger()
keras.callbacks.TerminateOnNaN()
keras.callbacks.ProgbarLogger(count_mode='samples', stateful_metrics=None)
keras.callbacks.ProgbarLogger(count_mode='samples')
keras.callbacks.History()
keras.callbacks.ModelCheckpoint(filepath, monitor='val_loss', verbose=0, save_best_only=False, save_weights_only=False, mode='auto', period=1)
keras.callbacks.ModelCheckpoint(filepath, monitor='val_loss', verbose=0, save_best_only=False, save_weights_only=False, mode='auto', save_freq='epoch', load_weights_on_restart=False)
keras.callbacks.EarlyStopping(monitor='val_loss', min_delta=0, patience=0, verbose=0, mode='auto', baseline=None, restore_best_weights=False)
keras.callbacks.EarlyStopping(monitor='val_loss', min_delta=0, patience=0, verbose=0, mode='auto')
keras.callbacks.RemoteMonitor(root='http://localhost:9000', path='/publish/epoch/end/', field='data', headers=None, send_as_json=False)
keras.callbacks.RemoteMonitor(root='http://localhost:9000', path='/publish/epoch/end/', field='data', headers=None)
keras.callbacks.LearningRateScheduler(schedule, verbose=0)
keras.callbacks.LearningRateScheduler(schedule)
keras.callbacks.TensorBoard(log_dir='./logs', histogram_freq=0, batch_size=32, write_graph=True, write_grads=False, write_images=False, embeddings_freq=0, embeddings_layer_names=None, embeddings_metadata=None, embeddings_data=None, update_freq='epoch')
keras.callbacks.TensorBoard(log_dir='./logs', histogram_freq=0, write_graph=True, write_grads=False, write_images=False, embeddings_freq=0, embeddings_layer_names=None, embeddings_metadata=None)
keras.callbacks.ReduceLROnPlateau(monitor='val_loss', factor=0.1, patience=10, verbose=0, mode='auto', min_delta=0.0001, cooldown=0, min_lr=0)
keras.callbacks.ReduceLROnPlateau(monitor='val_loss', factor=0.1, patience=10, verbose=0, mode='auto', epsilon=0.0001, cooldown=0, min_lr=0)
keras.callbacks.CSVLogger(filename, separator=',', append=False)
keras.callbacks.LambdaCallback(on_epoch_begin=None, on_epoch_end=None, on_batch_begin=None, on_batch_end=None, on_train_begin=None, on_train_end=None)
""".strip().splitlines()  # noqa: E501

CLASSES = {
    cls.__name__: cls
    for cls in (
        BaseLogger,
        CSVLogger,
        Callback,
        EarlyStopping,
        History,
        LambdaCallback,
        LearningRateScheduler,
        ModelCheckpoint,
        ProgbarLogger,
        ReduceLROnPlateau,
        RemoteMonitor,
        TensorBoard,
        TerminateOnNaN,
    )
}

NEEDED = {
    "filepath": "model.h5",
    "filename": "training.log",
    "schedule": lambda epoch: 0.1,
}

# Where two documents disagree about an argument's place, the later one has it; the argument
# is taken by its name. `epsilon` has become `min_delta`, in the same place.
LATER_PLACE = {"period": "save_freq", "epsilon": "min_delta"}

# The document without `batch_size` in TensorBoard is the older one.
WITHOUT_PLACE = "TensorBoard(log_dir='./logs', histogram_freq=0, write_graph=True"


def parsed(text):
    """The class a line names, and its documented arguments with their defaults."""
    call = ast.parse(text, mode="eval").body
    needed = {name.id: NEEDED[name.id] for name in call.args}
    defaults = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    return CLASSES[call.func.attr], needed, defaults


@pytest.mark.filterwarnings("ignore:.*epsilon is the older name")
@pytest.mark.parametrize("text", CONSTRUCTORS)
def test_a_constructor_runs_as_it_is_documented(text):
    cls, _, _ = parsed(text)
    made = run(f"made = {text}", **NEEDED).made
    assert type(made) is cls
    assert isinstance(made, Callback)


@pytest.mark.filterwarnings("ignore:.*epsilon is the older name")
@pytest.mark.parametrize("text", CONSTRUCTORS)
def test_every_documented_argument_is_taken_by_its_name(text):
    cls, needed, defaults = parsed(text)
    made = cls(**needed, **defaults)
    for name, value in needed.items():
        assert getattr(made, name) == value


@pytest.mark.parametrize("text", CONSTRUCTORS)
def test_documented_defaults_are_the_defaults(text):
    cls, _, defaults = parsed(text)
    actual = inspect.signature(cls).parameters
    for name, value in defaults.items():
        assert actual[LATER_PLACE.get(name, name) if name == "epsilon" else name].default == value


@pytest.mark.parametrize("text", [text for text in CONSTRUCTORS if WITHOUT_PLACE not in text])
def test_documented_arguments_have_their_documented_places(text):
    cls, needed, defaults = parsed(text)
    places = [
        name
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    documented = [LATER_PLACE.get(name, name) for name in (*needed, *defaults)]
    assert places[: len(documented)] == documented


def test_every_documented_callback_is_there():
    assert len(CLASSES) == 13
    assert {parsed(text)[0] for text in CONSTRUCTORS} == set(CLASSES.values())


def test_an_unknown_count_mode_is_a_value_error():
    with pytest.raises(ValueError, match="count_mode"):
        keras.callbacks.ProgbarLogger(count_mode="epochs")


# --- recording loss history ---------------------------------------------------------------

LOSS_HISTORY = """
class LossHistory(keras.callbacks.Callback):
    def on_train_begin(self, logs={}):
        self.losses = []

    def on_batch_end(self, batch, logs={}):
        self.losses.append(logs.get('loss'))

model = Sequential()
model.add(Dense(10, input_dim=784, kernel_initializer='uniform'))
model.add(Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer='rmsprop')

history = LossHistory()
model.fit(x_train, y_train, batch_size=128, epochs=20, verbose=0, callbacks=[history])

print(history.losses)
"""
LAYERS = {"Sequential": Sequential, "Dense": Dense, "Activation": Activation}


def test_the_loss_history_has_the_loss_of_every_batch(capsys):
    left = run(LOSS_HISTORY, x_train=images(300), y_train=one_hot(300), **LAYERS)
    losses = left.history.losses
    assert len(losses) == 20 * math.ceil(300 / 128)
    assert all(type(loss) is float and math.isfinite(loss) for loss in losses)
    assert ast.literal_eval(capsys.readouterr().out) == losses


# --- model checkpoints --------------------------------------------------------------------

CHECKPOINTS = """
from keras.callbacks import ModelCheckpoint

model = Sequential()
model.add(Dense(10, input_dim=784, kernel_initializer='uniform'))
model.add(Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer='rmsprop')

'''
saves the model weights after each epoch if the validation loss decreased
'''
checkpointer = ModelCheckpoint(filepath='/tmp/weights.hdf5', verbose=1, save_best_only=True)
model.fit(x_train, y_train, batch_size=128, epochs=20, verbose=0, validation_data=(X_test, Y_test), callbacks=[checkpointer])
"""  # noqa: E501


def test_the_checkpoint_holds_the_model_of_the_least_validation_loss(tmp_path, capsys):
    test_data = images(60), one_hot(60)
    path = str(tmp_path / "weights.hdf5")
    left = run(
        CHECKPOINTS.replace("/tmp/weights.hdf5", path),
        x_train=images(300),
        y_train=one_hot(300),
        X_test=test_data[0],
        Y_test=test_data[1],
        **LAYERS,
    )
    losses = left.model.history.history["val_loss"]
    saved = load_model(path).evaluate(*test_data, verbose=0)
    assert saved == pytest.approx(min(losses), abs=1e-6)
    said = [line for line in capsys.readouterr().out.splitlines() if line]
    assert said[0] == (
        f"Epoch 00001: val_loss improved from inf to {losses[0]:.5f}, saving model to {path}"
    )
    assert len(said) == 20


# --- ReduceLROnPlateau and CSVLogger ------------------------------------------------------

REDUCE_LR = """
reduce_lr = ReduceLROnPlateau(monitor='val_loss', factor=0.2,
                              patience=5, min_lr=0.001)
model.fit(X_train, Y_train, callbacks=[reduce_lr])
"""

CSV = """
csv_logger = CSVLogger('training.log')
model.fit(X_train, Y_train, callbacks=[csv_logger])
"""


def small_model(metrics=("acc",)):
    model = Sequential([Dense(1, activation="sigmoid", input_dim=4)])
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=list(metrics))
    return model


def small_data(samples=40):
    x = np.random.default_rng(samples).normal(size=(samples, 4))
    return x, (x[:, 0] > 0).astype(int)


def test_reduce_lr_warns_that_this_fit_has_no_val_loss():
    x, y = small_data()
    model = small_model()
    with pytest.warns(keras.errors.OnfitWarning, match="monitors 'val_loss', which is not in"):
        run(REDUCE_LR, model=model, X_train=x, Y_train=y, ReduceLROnPlateau=ReduceLROnPlateau)
    assert model.history.history["lr"] == [pytest.approx(0.001)]


def test_reduce_lr_lowers_the_rate_down_to_its_floor():
    x, y = small_data()
    model = small_model()
    model.optimizer.learning_rate = 0.02
    never_better = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(val_loss=1.0))
    reduce_lr = run(
        REDUCE_LR.partition("model.fit")[0], ReduceLROnPlateau=ReduceLROnPlateau
    ).reduce_lr
    history = model.fit(x, y, epochs=18, verbose=0, callbacks=[never_better, reduce_lr])
    expected = [0.02] * 6 + [0.004] * 5 + [0.001] * 7
    assert history.history["lr"] == pytest.approx(expected)


def test_csv_logger_writes_a_line_for_the_epoch():
    x, y = small_data()
    run(CSV, model=small_model(), X_train=x, Y_train=y, CSVLogger=CSVLogger)
    header, row = Path("training.log").read_text().splitlines()
    assert header == "epoch,acc,loss"
    assert row.startswith("0,")


# --- LambdaCallback -----------------------------------------------------------------------

LAMBDAS = r"""
# Print the batch number at the beginning of every batch.
batch_print_callback = LambdaCallback(
    on_batch_begin=lambda batch,logs: print(batch))

# Stream the epoch loss to a file in JSON format. The file content
# is not well-formed JSON but rather has a JSON object per line.
import json
json_log = open('loss_log.json', mode='wt', buffering=1)
json_logging_callback = LambdaCallback(
    on_epoch_end=lambda epoch, logs: json_log.write(
        json.dumps({'epoch': epoch, 'loss': logs['loss']}) + '\n'),
    on_train_end=lambda logs: json_log.close()
)

# Terminate some processes after having finished model training.
processes = ...
cleanup_callback = LambdaCallback(
    on_train_end=lambda logs: [
        p.terminate() for p in processes if p.is_alive()])

model.fit(...,
          callbacks=[batch_print_callback,
                     json_logging_callback,
                     cleanup_callback])
"""


def test_the_three_lambda_callbacks(capsys):
    x, y = small_data()
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=time.sleep, args=(600,), daemon=True) for _ in range(2)]
    for process in processes:
        process.start()
    code = LAMBDAS.replace("processes = ...", "").replace(
        "model.fit(...,", "model.fit(x, y, batch_size=16, epochs=2, verbose=0,"
    )
    left = run(
        code, LambdaCallback=LambdaCallback, model=small_model(), x=x, y=y, processes=processes
    )
    assert capsys.readouterr().out.split() == ["0", "1", "2", "0", "1", "2"]
    assert left.json_log.closed
    lines = [json.loads(line) for line in Path("loss_log.json").read_text().splitlines()]
    losses = left.model.history.history["loss"]
    assert lines == [{"epoch": epoch, "loss": loss} for epoch, loss in enumerate(losses)]
    for process in processes:
        process.join(timeout=30)
        assert process.exitcode is not None


# --- the tutorial: images, early stopping, schedules --------------------------------------

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


def steady_model():
    """A model whose accuracy never changes."""
    model = small_model(metrics=[constant_acc])
    model.optimizer.learning_rate = 0.002
    return model


def constant_acc(y_true, y_pred):
    return 0.5


constant_acc.__name__ = "accuracy"


# --- the list of callbacks that one of the documents builds -------------------------------

CALLBACKS_LIST = """
import keras

callbacks_list = [
  keras.callbacks.EarlyStopping( # 성능 향상이 멈추면 훈련을 중지한다.
    monitor = 'val_acc', # 모델의 검증 정확도를 모니터링한다.
    patience = 1, # 1 에포크보다 더 길게 검증 정확도가 향상되지 않으면, 훈련을 중지한다.
  ),
  keras.callbacks.ModelCheckpoint(
    filepath = 'my_model.h5',
    monitor = 'val_loss',
    save_best_only = True, # 훈련하는 동안 가장 최적의 모델만 저장한다.
  )
]

#...

model.compile(optimizer = 'rmsprop',
              loss = 'binary_crossentropy',
              metrics = ['acc'])
model.fit(x, y,
          epochs = 10,
          callbacks = callbacks_list,
          validation_data = (x_val, y_val))
"""

PLATEAU_LIST = """
callbacks_list = [
  keras.callbacks.ReduceLROnPlateau(
    monitor = 'val_acc',
    factor = 0.1, # 콜백이 호출될 때, 학습률을 10배 줄인다.
    patience = 10, # 검증 손실이 10번동안 향상되지 않으면 콜백이 호출됨
  )
]
"""


def test_early_stopping_and_checkpoint_in_one_list():
    x, y = small_data()
    x_val, y_val = small_data(24)
    model = Sequential([Dense(1, activation="sigmoid", input_dim=4)])
    run(CALLBACKS_LIST, model=model, x=x, y=y, x_val=x_val, y_val=y_val)
    history = model.history.history
    stopped_by_acc = history["val_acc"][-1] <= max(history["val_acc"][:-1])
    assert len(history["val_acc"]) == 10 or stopped_by_acc
    saved_loss, _ = load_model("my_model.h5").evaluate(x_val, y_val, verbose=0)
    assert saved_loss == pytest.approx(min(history["val_loss"]), abs=1e-6)


def test_reduce_lr_on_a_validation_accuracy_that_stands_still():
    x, y = small_data(8)
    callbacks = run(PLATEAU_LIST).callbacks_list
    history = steady_model().fit(
        x, y, epochs=12, verbose=0, callbacks=callbacks, validation_data=(x, y)
    )
    assert history.history["lr"] == pytest.approx([0.002] * 11 + [0.0002])


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


def test_activations_of_every_layer_are_logged():
    x, y = small_data(8)
    model = Sequential([Dense(1, activation="tanh", input_dim=4), Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    logger = run(ACTIVATIONS).ActivationLogger()
    model.fit(x, y, epochs=2, verbose=0, validation_data=(x, y), callbacks=[logger])
    first, second = (np.load(f"activations_at_epoch_{epoch}.npz")["arr_0"] for epoch in (0, 1))
    kernel, bias, *_ = model.get_weights()
    assert second[0] == pytest.approx(np.tanh(x[:1] @ kernel + bias), abs=1e-6)
    assert second[1] == pytest.approx(model.predict(x[:1], verbose=0), abs=1e-6)
    assert not np.array_equal(first, second)


# --- moons --------------------------------------------------------------------------------

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


# --- the front page of one of the documents -----------------------------------------------

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
