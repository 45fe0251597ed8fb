"""Weights of every second epoch, under telling names, and the best model in one file."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

from onfit import Sequential, load_model
from onfit.callbacks import ModelCheckpoint
from onfit.layers import Dense
from onfit.optimizers import Adam

HERE = Path("runs/checkpoints")
for old in HERE.glob("weights.*.h5"):
    old.unlink()  # from an earlier run, whose names differ

x, y = load_iris(return_X_y=True)
shuffled = np.random.default_rng(0).permutation(len(x))
x, y = x[shuffled], y[shuffled]


def new_model():
    model = Sequential([Dense(16, activation="relu", input_dim=4), Dense(3, activation="softmax")])
    model.compile(Adam(learning_rate=0.01), "sparse_categorical_crossentropy", metrics=["acc"])
    return model


# The names in braces are filled from the epoch (counted from 1) and from the logs.
every_second = ModelCheckpoint(
    HERE / "weights.{epoch:02d}-{val_acc:.2f}.h5", save_weights_only=True, save_freq="2 epochs"
)
best = ModelCheckpoint(HERE / "best.h5", monitor="val_loss", save_best_only=True, verbose=1)

model = new_model()
model.fit(
    x, y, batch_size=8, epochs=10, validation_split=0.3, verbose=0, callbacks=[every_second, best]
)

for path in sorted(HERE.glob("*.h5")):
    print(path)

# Weights go into a model of the same layers; a whole model needs nothing but its file.
last = new_model()
last.load_weights(max(HERE.glob("weights.10-*.h5")))
same = np.allclose(last.predict(x, verbose=0), model.predict(x, verbose=0))
print(f"the newest weights are the model's: {same}")

held_out = x[-45:], y[-45:]  # what validation_split=0.3 took off the end
loss, accuracy = load_model(HERE / "best.h5").evaluate(*held_out, verbose=0)
print(f"the best from its file: val_loss {loss:.5f}, val_acc {accuracy:.3f}")
