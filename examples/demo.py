"""Train on 1,797 scanned digits while callbacks watch. `make demo` runs this.

What it leaves lies in runs/demo, and a second run takes the place of the first. Everything random
is seeded, so that each run prints the same numbers.
"""

import sys
from datetime import datetime
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from onfit import Sequential, load_model
from onfit.callbacks import (
    CSVLogger,
    EarlyStopping,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
)
from onfit.layers import Dense, Dropout
from onfit.utils import set_random_seed

HERE = Path("runs/demo")
BOARD = HERE / "tensorboard"
BEST, LOG, CURVES = HERE / "best.h5", HERE / "log.csv", HERE / "history.png"

set_random_seed(1)
torch.set_num_threads(1)  # layers this small are not worth sharing among cores

# Each image is a row of 8 x 8 grey values from 0 to 16; each label a digit from 0 to 9.
images, labels = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(
    images / 16, labels, test_size=0.2, stratify=labels, random_state=1
)

again = BEST.exists()
for old in (BEST, LOG, CURVES):
    old.unlink(missing_ok=True)
print(f"A net learns to read digits from {len(x_train):,} images, in at most 100 epochs.")
print("Callbacks lower its learning rate, keep its best state, write down all numbers, and stop")
print(f"the training when it learns nothing more. All files go to {HERE}.")
if again:
    print("The run before left files there: this one starts anew and replaces them.")
print()

model = Sequential(
    [
        Dense(256, activation="relu", input_dim=64),
        Dropout(0.4),
        Dense(128, activation="relu"),
        Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["acc"])

history = model.fit(
    x_train,
    y_train,
    epochs=100,
    validation_split=0.2,
    callbacks=[
        ReduceLROnPlateau(monitor="val_loss", factor=0.3, patience=3, verbose=1),
        EarlyStopping(monitor="val_loss", patience=8),
        ModelCheckpoint(BEST, monitor="val_loss", save_best_only=True),
        CSVLogger(LOG),
        TensorBoard(BOARD / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"),
    ],
)
history.plot(CURVES)

best = load_model(BEST)
_, accuracy = best.evaluate(x_test, y_test, verbose=0)

print(f"""
The best of {len(history.epoch)} epochs, read back from its file, knows {accuracy:.1%} of the
{len(x_test)} digits that it has never seen.

    {BEST}        that model, for onfit.load_model
    {CURVES}    the curves
    {LOG}        the same as numbers, a line for each epoch
    {BOARD}    the same, live: tensorboard --logdir {BOARD}""")

if accuracy < 0.96:
    sys.exit(f"An accuracy of 0.96 or more was expected; it is {accuracy:.4f}.")
