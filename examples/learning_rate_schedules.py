"""Three ways to change the learning rate while training."""

import math

import numpy as np

from onfit import Sequential
from onfit.callbacks import LearningRateScheduler, ReduceLROnPlateau
from onfit.layers import Dense

rng = np.random.default_rng(0)
x = rng.normal(size=(200, 8))
y = x @ rng.normal(size=8) + rng.normal(scale=0.5, size=200)


def rates_with(callback, epochs=12):
    """Train a line with `callback`; the learning rate of every epoch."""
    model = Sequential([Dense(1, input_dim=8)])
    model.compile(optimizer="sgd", loss="mse")  # starts with a rate of 0.01
    history = model.fit(
        x,
        y,
        batch_size=8,
        epochs=epochs,
        validation_split=0.25,
        verbose=0,
        callbacks=[callback],
    )
    return history.history["learning_rate"]


def show(title, rates):
    print(f"{title}: {' '.join(f'{rate:.4g}' for rate in rates)}")


def hold_then_decay(epoch):
    """0.05 for four epochs, then a tenth less in each."""
    return 0.05 * math.exp(-0.1 * max(0, epoch - 3))


def halve_every_third(epoch, rate):
    """Told the present rate, it can change whatever the optimizer began with."""
    return rate / 2 if epoch and epoch % 3 == 0 else rate


show("of the epoch", rates_with(LearningRateScheduler(hold_then_decay)))
show("of epoch and rate", rates_with(LearningRateScheduler(halve_every_third)))

# When two epochs in a row are not at least 0.02 better, a fifth of the rate must do.
plateau = ReduceLROnPlateau("val_loss", factor=0.2, patience=2, min_delta=0.02, min_lr=1e-4)
show("on a plateau", rates_with(plateau, epochs=30))
