"""Arguments of `compile` and `fit` in other forms, against those that Keras itself takes."""

from typing import Any

import numpy as np
import pytest
from tests.twin.keras_twin import (
    assert_same,
    assert_twins,
    close,
    outcome,
    same_start,
    tolerant_of_keras,
)
from tests.twin.small_models import DATA, classifier, regression

pytestmark = tolerant_of_keras

SPARSE = "sparse_categorical_crossentropy"


@pytest.mark.parametrize(
    "arguments",
    [
        {"run_eagerly": True},
        {"jit_compile": False},
        {"steps_per_execution": 1},
        {"weighted_metrics": None},
        {"auto_scale_loss": False},
    ],
    ids=str,
)
def test_arguments_without_effect_change_nothing_in_keras_either(arguments: Any) -> None:
    compiled = {"optimizer": "sgd", "loss": "mse", **arguments}
    assert_twins(regression, lambda lib: compiled, DATA.x, DATA.real)


@pytest.mark.parametrize("form", [np.array, list, tuple], ids=["array", "list", "tuple"])
def test_an_array_of_class_weights_weighs_as_keras_dict_does(form: Any) -> None:
    weights = {0: 0.5, 1: 2.0, 2: 1.5}
    reference, model = same_start(classifier)
    for each in (reference, model):
        each.compile("sgd", SPARSE)
    expected = outcome(reference, DATA.x, DATA.classes, class_weight=weights)
    given = form(list(weights.values()))
    assert_same(expected, outcome(model, DATA.x, DATA.classes, class_weight=given))


def test_a_cadence_of_epochs_validates_where_keras_number_does_and_at_the_end() -> None:
    fit: dict[str, Any] = {"validation_data": (DATA.x[:20], DATA.real[:20]), "epochs": 5}
    reference, model = same_start(regression)
    for each in (reference, model):
        each.compile("sgd", "mse")
    found = outcome(model, DATA.x, DATA.real, validation_freq="2 epochs", **fit).history
    expected = outcome(reference, DATA.x, DATA.real, validation_freq=2, **fit).history
    assert len(found["val_loss"]) == 3
    close(found["val_loss"][:2], expected["val_loss"])
    close(found["loss"], expected["loss"])
