"""Steps that an author writes, in a class or for one model."""

import numpy as np
import pytest
import torch

from onfit import Input, Model, Sequential
from onfit.layers import Add, Dense

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")


def plain():
    torch.manual_seed(0)
    model = Sequential([Dense(1, input_dim=3)])
    model.compile("sgd", "mse")
    return model


def test_a_step_set_on_one_model_is_taken():
    model = plain()
    model.train_step = lambda data: {"loss": torch.tensor(3.0)}
    model.test_step = lambda data: {"loss": torch.tensor(4.0)}
    assert model.fit(X, X[:, :1], verbose=0).history == {"loss": [3.0]}
    assert model.evaluate(X, X[:, :1], verbose=0) == 4


def test_a_loss_set_on_one_model_is_what_training_lowers():
    model = plain()
    model.compute_loss = lambda y_pred, **_: (y_pred - 5).square().mean()
    model.fit(X, np.zeros((8, 1)), epochs=300, verbose=0)
    assert np.allclose(model.predict(X, verbose=0), 5, atol=0.5)


def test_a_step_of_prediction_is_taken():
    class Mine(Sequential):
        def predict_step(self, data):
            return super().predict_step(data).round()

    model = Mine([Dense(1, input_dim=3)])
    assert np.array_equal(model.predict(X, verbose=0), model(X).detach().numpy().round())


@pytest.mark.parametrize("inputs", [1, 2])
def test_a_step_of_prediction_gets_the_inputs_alone(inputs):
    symbols = [Input((3,)) for _ in range(inputs)]
    whole = Add()(symbols) if inputs > 1 else symbols[0]
    model = Model(symbols if inputs > 1 else symbols[0], Dense(1)(whole))
    kinds = []
    model.predict_step = lambda data: [kinds.append(type(data)), torch.zeros(8, 1)][1]
    assert model.predict([X] * inputs if inputs > 1 else X, verbose=0).sum() == 0
    assert kinds == [tuple if inputs > 1 else torch.Tensor]
