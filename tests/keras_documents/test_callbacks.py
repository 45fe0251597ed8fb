"""Each callback's example out of the Keras documents, word for word."""

import ast
import json
import math
import multiprocessing
import time
from pathlib import Path

import pytest
from tests.keras_documents.blocks import LAYERS, images, one_hot, run, small_data, small_model

import onfit as keras
from onfit.callbacks import (
    CSVLogger,
    LambdaCallback,
    ReduceLROnPlateau,
)
from onfit.models import load_model

# --- recording loss history ------------------------------------------------------------------

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


def test_the_loss_history_has_the_loss_of_every_batch(capsys):
    left = run(LOSS_HISTORY, x_train=images(300), y_train=one_hot(300), **LAYERS)
    losses = left.history.losses
    assert len(losses) == 20 * math.ceil(300 / 128)
    assert all(type(loss) is float and math.isfinite(loss) for loss in losses)
    assert ast.literal_eval(capsys.readouterr().out) == losses


# --- model checkpoints -----------------------------------------------------------------------

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


# --- ReduceLROnPlateau and CSVLogger ---------------------------------------------------------

REDUCE_LR = """
reduce_lr = ReduceLROnPlateau(monitor='val_loss', factor=0.2,
                              patience=5, min_lr=0.001)
model.fit(X_train, Y_train, callbacks=[reduce_lr])
"""
CSV = """
csv_logger = CSVLogger('training.log')
model.fit(X_train, Y_train, callbacks=[csv_logger])
"""


def test_reduce_lr_warns_that_this_fit_has_no_val_loss():
    x, y = small_data()
    model = small_model()
    # The rate is Adam's default, 0.001, which is the lowest that this example allows.
    with (
        pytest.warns(keras.errors.OnfitWarning, match="min_lr=0.001.*nothing to lower"),
        pytest.warns(keras.errors.OnfitWarning, match="monitors 'val_loss', which is not in"),
    ):
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


# --- LambdaCallback --------------------------------------------------------------------------

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
