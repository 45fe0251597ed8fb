"""A callback of one's own: the loss of every single batch."""

import numpy as np

from onfit.callbacks import Callback
from onfit.layers import Activation, Dense
from onfit.models import Sequential


class LossHistory(Callback):
    """Keeps the loss of each batch, in the order they came."""

    def on_train_begin(self, logs=None):
        self.losses = []

    def on_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])


# Points in twenty dimensions; which of three directions is each nearest to?
rng = np.random.default_rng(0)
x = rng.normal(size=(1000, 20))
y = np.eye(3)[(x @ rng.normal(size=(20, 3))).argmax(axis=1)]

model = Sequential()
model.add(Dense(3, input_dim=20, kernel_initializer="uniform"))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer="rmsprop")

recorder = LossHistory()
model.fit(x, y, batch_size=100, epochs=5, verbose=0, callbacks=[recorder])

print(f"{len(recorder.losses)} batches")
print(f"the loss fell from {recorder.losses[0]:.2f} to {recorder.losses[-1]:.2f}")
