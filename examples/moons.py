"""A net far too large for thirty points: stop when it overfits, and keep the best of it."""

from sklearn.datasets import make_moons

from onfit.callbacks import EarlyStopping, ModelCheckpoint
from onfit.layers import Dense
from onfit.models import Sequential, load_model

BEST = "runs/moons/best.h5"

# Two half-moons that reach into each other; 30 points to train on, 70 to validate on.
x, y = make_moons(n_samples=100, noise=0.2, random_state=1)
x_train, y_train = x[:30], y[:30]
x_valid, y_valid = x[30:], y[30:]

model = Sequential()
model.add(Dense(500, input_dim=2, activation="relu"))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])

# The loss says early that the net overfits; the accuracy says which epoch is the best one.
# It is logged as "accuracy", as it was asked for, and found as "val_acc" all the same.
stop = EarlyStopping(monitor="val_loss", patience=200, verbose=1)
keep = ModelCheckpoint(BEST, monitor="val_acc", save_best_only=True)

history = model.fit(
    x_train,
    y_train,
    validation_data=(x_valid, y_valid),
    epochs=4000,
    verbose=0,
    callbacks=[stop, keep],
)

best = load_model(BEST)
_, train_acc = best.evaluate(x_train, y_train, verbose=0)
_, valid_acc = best.evaluate(x_valid, y_valid, verbose=0)
print(f"stopped after {len(history.epoch)} of 4000 epochs")
print(f"accuracy of the best: {train_acc:.3f} in training, {valid_acc:.3f} in validation")
