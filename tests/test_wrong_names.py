"""A name that a room lacks is an error that says which one is meant."""

import importlib

import pytest


@pytest.mark.parametrize(
    ("room", "name", "meant"),
    [
        ("layers", "Conv2d", "Conv2D"),
        ("layers", "MaxPool2d", "MaxPool2D"),
        ("layers", "Batchnormalization", "BatchNormalization"),
        ("layers", "Lstm", "LSTM"),
        ("losses", "CategoricalCrossEntropy", "CategoricalCrossentropy"),
        ("losses", "mean_square_error", "mean_squared_error"),
        ("optimizers", "RMSProp", "RMSprop"),
        ("optimizers", "AdamDelta", "Adadelta"),
        ("optimizers.schedules", "CosineDecays", "CosineDecay"),
        ("metrics", "Auc", "AUC"),
        ("metrics", "categorical_acuracy", "categorical_accuracy"),
        ("callbacks", "CsvLogger", "CSVLogger"),
        ("callbacks", "ReduceLrOnPlateau", "ReduceLROnPlateau"),
        ("callbacks", "TerminateOnNan", "TerminateOnNaN"),
        ("callbacks", "Earlystopping", "EarlyStopping"),
        ("activations", "ReLU", "relu"),
        ("activations", "LogSoftmax", "log_softmax"),
        ("initializers", "HeNormalized", "HeNormal"),
        ("regularizers", "L1_L2", "L1L2"),
        ("models", "sequential", "Sequential"),
        ("utils", "to_categorial", "to_categorical"),
        ("keras", "optimisers", "optimizers"),
        ("backend", "getvalue", "get_value"),
    ],
)
def test_a_name_in_another_spelling_is_an_error_that_names_the_nearest(room, name, meant):
    with pytest.raises(AttributeError) as caught:
        getattr(importlib.import_module(f"onfit.{room}"), name)
    assert str(caught.value) == (
        f"module 'onfit.{room}' has no attribute {name!r}. Did you mean {meant!r}?"
    )


@pytest.mark.parametrize(
    ("room", "name", "instead"),
    [
        ("layers", "Linear", "Dense"),
        ("layers", "BatchNorm2d", "BatchNormalization"),
        ("layers", "Tanh", 'Activation("tanh")'),
        ("losses", "MSELoss", "MeanSquaredError"),
        ("losses", "CrossEntropyLoss", "SparseCategoricalCrossentropy(from_logits=True)"),
    ],
)
def test_a_name_of_torch_is_an_error_that_says_what_to_write(room, name, instead):
    with pytest.raises(AttributeError) as caught:
        getattr(importlib.import_module(f"onfit.{room}"), name)
    assert str(caught.value).endswith(f"has no attribute {name!r}. Write {instead}.")


def test_a_name_that_resembles_nothing_is_an_error_that_says_how_to_list_the_names():
    layers = importlib.import_module("onfit.layers")
    with pytest.raises(AttributeError, match=r"'Xyzzy'\. dir\(onfit\.layers\) lists what it has\."):
        layers.Xyzzy  # noqa: B018


@pytest.mark.parametrize(
    "room",
    ["activations", "callbacks", "keras", "layers", "losses", "metrics", "models", "optimizers"],
)
def test_a_room_has_no_dunder_that_it_does_not_define(room):
    # Tools such as pickle, inspect and doctest ask modules for such names.
    assert not hasattr(importlib.import_module(f"onfit.{room}"), "__wrapped__")
