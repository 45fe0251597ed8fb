"""Types of layers, and of all floats."""

import numpy as np
import pytest
import torch

from onfit import Input, Model, Sequential
from onfit import backend as K
from onfit.callbacks import BackupAndRestore, EarlyStopping
from onfit.layers import GRU, LSTM, Activation, BatchNormalization, Dense, Dropout, Lambda
from onfit.models import load_model

X = np.random.default_rng(0).normal(size=(32, 6)).astype("float32")
Y = (X.sum(1) > 0).astype("float32")


@pytest.fixture
def floats(request):
    K.set_floatx(request.param)
    yield request.param
    K.set_floatx("float32")


def classifier(*more):
    model = Sequential(
        [
            Dense(8, activation="relu", kernel_initializer="orthogonal", input_shape=(6,)),
            BatchNormalization(),
            Dropout(0.2),
            *more,
            Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["acc"])
    return model


ALL = pytest.mark.parametrize("floats", ["bfloat16", "float16", "float64"], indirect=True)
NUMPYS = {"bfloat16": "float32", "float16": "float16", "float64": "float64"}


@ALL
def test_all_floats_of_another_type_train_and_predict(floats, tmp_path):
    model = classifier()
    callbacks = [EarlyStopping(restore_best_weights=True), BackupAndRestore(tmp_path)]
    history = model.fit(X, Y, 16, 2, 0, callbacks, validation_split=0.25).history
    assert np.isfinite([history["loss"], history["val_loss"]]).all()
    assert {param.dtype for param in model.parameters()} == {getattr(torch, floats)}
    usual = NUMPYS[floats]
    assert model.predict(X, verbose=0).dtype == usual
    arrays = [*model.get_weights(), *model.layers[0].get_weights()]
    assert {array.dtype.name for array in [*arrays, K.get_value(model.layers[0].kernel)]} == {usual}


@ALL
@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_a_model_of_another_type_is_saved_and_loaded(floats, name, tmp_path):
    model = classifier()
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / name)
    for floatx in (floats, "float32"):  # the file says the type, whatever the usual one is
        K.set_floatx(floatx)
        opened = load_model(tmp_path / name)
        assert {param.dtype for param in opened.parameters()} == {getattr(torch, floats)}
        np.testing.assert_array_equal(opened.predict(X, verbose=0), model.predict(X, verbose=0))
        opened.fit(X, Y, verbose=0)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda dtype: Dense(3, dtype=dtype),
        lambda dtype: Activation("tanh", dtype=dtype),
        lambda dtype: BatchNormalization(dtype=dtype),
        lambda dtype: Lambda(lambda x: x + 1, dtype=dtype),
    ],
    ids=["dense", "activation", "batch normalization", "lambda"],
)
def test_a_layer_computes_in_its_type(dtype, layer):
    made = layer(dtype)
    assert made(torch.ones(2, 3)).dtype == getattr(torch, dtype)
    assert {weight.dtype for weight in made.weights} <= {getattr(torch, dtype)}
    begin = Input((3,))
    assert layer(dtype)(begin).dtype == getattr(torch, dtype)


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_a_recurrent_layer_computes_in_its_type(kind):
    layer = kind(3, dtype="float64", recurrent_dropout=0.5, dropout=0.5, seed=3).train()
    assert layer(torch.ones(2, 4, 3)).dtype == torch.float64


def test_ints_come_in_as_they_are_and_floats_too_without_autocast():
    seen = []

    def look(x):
        seen.append(x.dtype)
        return x

    Lambda(look, dtype="float64")(torch.ones(2, 3, dtype=torch.int32))
    Lambda(look, dtype="float64", autocast=False)(torch.ones(2, 3))
    assert seen == [torch.int32, torch.float32]


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_layers_of_two_types_are_saved_and_loaded(name, tmp_path):
    begin = Input((6,))
    hidden = Dense(4, dtype="bfloat16", kernel_constraint="max_norm")(begin)
    model = Model(begin, Dense(1, dtype="float32")(hidden))
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / name)
    opened = load_model(tmp_path / name)
    assert [weight.dtype for weight in opened.parameters()] == [
        *[torch.bfloat16] * 2,
        *[torch.float32] * 2,
    ]
    np.testing.assert_array_equal(opened.predict(X, verbose=0), model.predict(X, verbose=0))


def test_loaded_layers_of_the_usual_type_cast_nothing(tmp_path):
    model = classifier()
    model.save(tmp_path / "m.keras")
    opened = load_model(tmp_path / "m.keras")
    assert all(layer.calls_forward_alone for layer in opened.layers)
    assert not any(layer._forward_pre_hooks for layer in opened.layers)
