"""Lists of callbacks out of one of the Keras documents, word for word."""

import numpy as np
import pytest
from tests.keras_documents.blocks import run, small_data, steady_model

from onfit.layers import Dense
from onfit.models import Sequential, load_model

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
