"""A short training that tries rising learning rates, its curve, and a training with the rate."""

from pathlib import Path

from sklearn.datasets import load_digits

from onfit import Sequential
from onfit.callbacks import LearningRateFinder
from onfit.layers import Dense

x, y = load_digits(return_X_y=True)
x = x / 16

model = Sequential([Dense(128, activation="relu", input_dim=64), Dense(10, activation="softmax")])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["acc"])

# 100 batches, each with a higher rate than the one before. It stops by itself, and model and
# optimizer are as they were before.
finder = LearningRateFinder(1e-6, 10)
model.fit(x, y, batch_size=32, epochs=5, verbose=0, callbacks=[finder])
print(f"{len(finder.losses)} rates, of which {finder.suggestion:.1e} is suggested")

folder = Path("runs/find_learning_rate")
folder.mkdir(parents=True, exist_ok=True)
finder.plot(folder / "curve.png")

model.optimizer.learning_rate = finder.suggestion
history = model.fit(x, y, epochs=5, validation_split=0.2, verbose=0)
print(f"after five epochs val_acc is {history.history['val_acc'][-1]:.2f}")
