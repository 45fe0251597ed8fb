"""A callback of one's own that looks inside: what each layer makes of a picture, epoch by epoch."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import onfit as keras

FOLDER = Path("runs/activation_logger")


class ActivationLogger(keras.callbacks.Callback):
    """Writes the outputs of all layers for the first validation sample."""

    def set_model(self, model):
        self.model = model
        outputs = [layer.output for layer in model.layers]
        # Another model over the same layers: it has their weights, and follows the training.
        self.activations_model = keras.models.Model(inputs=model.input, outputs=outputs)

    def on_epoch_end(self, epoch, logs=None):
        if self.validation_data is None:
            raise RuntimeError("Requires validation_data.")
        sample = self.validation_data[0][0:1]
        activations = self.activations_model.predict(sample, verbose=0)
        # One array per layer: their shapes differ, so they cannot be written as a single one.
        np.savez(FOLDER / f"epoch_{epoch}.npz", *activations)


FOLDER.mkdir(parents=True, exist_ok=True)
digits = load_digits()
x, y = digits.images / 16, digits.target

model = keras.Sequential(
    [
        keras.layers.Flatten(input_shape=(8, 8)),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
model.fit(x, y, epochs=5, validation_split=0.2, verbose=0, callbacks=[ActivationLogger()])

# The share of the hidden units that are at work, and how sure the model is of what it sees.
for path in sorted(FOLDER.glob("epoch_*.npz")):
    with np.load(path) as file:
        flat, hidden, classes = (file[f"arr_{index}"] for index in range(3))
    print(
        f"{path.name}: {(hidden > 0).mean():.0%} of {hidden.size} units at work, "
        f"a {classes.argmax()} with {classes.max():.0%}"
    )
