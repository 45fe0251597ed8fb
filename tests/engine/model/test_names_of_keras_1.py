"""Arguments of `fit` under their names of Keras 1; those of generators are tested with them."""

import numpy as np
import pytest

from onfit import Sequential
from onfit.errors import ArgumentError, OnfitWarning
from onfit.layers import Dense

X, Y = np.ones((4, 2)), np.ones((4, 1))


def linear() -> Sequential:
    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    return model


def test_nb_epoch_is_taken_as_epochs_with_one_warning() -> None:
    with pytest.warns(OnfitWarning, match=r"fit\(nb_epoch=.*Write epochs=") as told:
        history = linear().fit(X, Y, nb_epoch=3, verbose=0)
    assert (history.epoch, len(told)) == ([0, 1, 2], 1)
    with pytest.raises(ArgumentError, match=r"fit\(epochs=..., nb_epoch=...\).*Give one"):
        linear().fit(X, Y, epochs=3, nb_epoch=3)


def test_a_name_that_only_generators_had_is_unknown_to_fit() -> None:
    with pytest.raises(ArgumentError, match="Did you mean 'steps_per_epoch'"):
        linear().fit(X, Y, samples_per_epoch=4)
    with pytest.raises(ArgumentError, match=r"val_samples=.* is not an argument of fit"):
        linear().fit(X, Y, val_samples=4)
