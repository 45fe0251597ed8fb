"""The forms in which weights of classes are taken."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from onfit.engine.data.class_weight import class_weights_of
from onfit.errors import ArgumentError, DataError
from onfit.layers import Dense, Input
from onfit.models import Model, Sequential

X = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
CLASSES = np.arange(30) % 3
BY_CLASS = {0: 0.5, 1: 2.0, 2: 1.5}
SPARSE = "sparse_categorical_crossentropy"


def classifier() -> Sequential:
    model = Sequential([Dense(3, activation="softmax", input_dim=4)])
    model.set_weights([np.linspace(-1, 1, 12).reshape(4, 3), np.zeros(3)])
    model.compile("sgd", SPARSE)
    return model


def losses(class_weight: Any, y: Any = CLASSES) -> list[float]:
    model = classifier()
    fit = model.fit(X, y, class_weight=class_weight, epochs=2, shuffle=False, verbose=0)
    return fit.history["loss"]


@pytest.mark.parametrize(
    "form",
    [
        np.array([0.5, 2.0, 1.5]),
        np.array([0.5, 2.0, 1.5], "float32"),
        [0.5, 2.0, 1.5],
        (0.5, 2, 1.5),
        torch.tensor([0.5, 2.0, 1.5]),
        pd.Series([0.5, 2.0, 1.5]),
        pd.Series({2: 1.5, 0: 0.5, 1: 2.0}),
        {"0": 0.5, "1": 2.0, "2": 1.5},
        {np.int64(0): 0.5, np.int64(1): np.float32(2.0), np.int64(2): torch.tensor(1.5)},
        {"output": BY_CLASS},
        {"output": np.array([0.5, 2.0, 1.5])},
        [BY_CLASS],
    ],
    ids=str,
)
def test_every_form_weighs_as_the_dict_does(form):
    assert losses(form) == losses(BY_CLASS)


def test_weights_of_classes_reach_a_single_batch_too():
    of_dict = classifier().train_on_batch(X, CLASSES, class_weight=BY_CLASS)
    assert classifier().train_on_batch(X, CLASSES, class_weight=[0.5, 2.0, 1.5]) == of_dict


def test_weights_of_classes_reach_batches_of_a_generator_too():
    def batches() -> Any:
        yield X, CLASSES

    model, other = classifier(), classifier()
    found = model.fit(batches(), class_weight=np.array([0.5, 2.0, 1.5]), verbose=0)
    assert (
        found.history["loss"]
        == other.fit(X, CLASSES, batch_size=30, class_weight=BY_CLASS, verbose=0).history["loss"]
    )


@pytest.mark.parametrize(
    "wrong", [3.0, "balanced", {"cat": 1.0}, {0.5: 1.0}, {-1: 2.0}, {0: "x"}, [[1.0, 2.0]], True]
)
def test_anything_else_is_an_error_that_names_the_argument(wrong):
    with pytest.raises(ArgumentError, match="class_weight="):
        losses(wrong)


# --- several outputs -----------------------------------------------------------------------------


def two_heads() -> Model:
    x = Input((4,))
    model = Model(x, [Dense(3, "softmax", name="a")(x), Dense(1, name="b")(x)])
    model.set_weights([np.full(w.shape, 0.1) for w in model.get_weights()])
    model.compile("sgd", {"a": SPARSE, "b": "mse"})
    return model


def of_two(**weights: Any) -> list[float]:
    fit = two_heads().fit(X, [CLASSES, X[:, :1]], epochs=2, shuffle=False, verbose=0, **weights)
    return fit.history["loss"]


WEIGHT_OF_A = np.array([0.5, 2.0, 1.5], "float32")[CLASSES]


@pytest.mark.parametrize("form", [{"a": BY_CLASS}, [BY_CLASS, None], [[0.5, 2.0, 1.5], None]])
def test_each_output_has_weights_of_its_own(form):
    assert of_two(class_weight=form) == of_two(sample_weight={"a": WEIGHT_OF_A})


def test_they_multiply_with_the_weights_of_samples():
    mine = np.linspace(0, 2, 30).astype("float32")
    both = of_two(class_weight={"a": BY_CLASS}, sample_weight=mine)
    assert both == of_two(sample_weight={"a": WEIGHT_OF_A * mine, "b": mine})


def test_one_dict_for_several_outputs_is_an_error_that_says_what_to_pass():
    with pytest.raises(DataError, match=r"class_weight=\{'output name'"):
        of_two(class_weight=BY_CLASS)


def test_a_list_of_another_length_is_an_error_that_names_the_outputs():
    with pytest.raises(ArgumentError, match=r"lists 1 things for a model of 2 outputs \(a, b\)"):
        class_weights_of([BY_CLASS], ["a", "b"])
