"""`compile(weighted_metrics=...)` against that of Keras itself."""

from pathlib import Path
from typing import Any

import keras
import pytest
from tests.twin.keras_twin import (
    KERAS,
    ONFIT,
    assert_twins,
    make_data,
    same_start,
    tolerant_of_keras,
)
from tests.twin.small_models import DATA, classifier, regression

from onfit.models import Model, load_model

pytestmark = tolerant_of_keras

HELD_OUT = make_data(seed=1, samples=21)
SPARSE = "sparse_categorical_crossentropy"


def with_metrics(loss: str, **metrics: Any) -> Any:
    return lambda lib: {"optimizer": "sgd", "loss": loss, **metrics}


@pytest.mark.parametrize("weight", [None, DATA.weight, DATA.weight[:, None]], ids=["no", "n", "n1"])
@pytest.mark.parametrize("metric", ["mse", "mean_absolute_error", "RootMeanSquaredError"])
def test_each_sample_counts_by_its_weight(metric: str, weight: Any) -> None:
    compiled = with_metrics("mse", weighted_metrics=[metric])
    assert_twins(regression, compiled, DATA.x, DATA.real, sample_weight=weight)


def test_a_class_weight_counts_too() -> None:
    compiled = with_metrics(SPARSE, weighted_metrics=["acc"])
    weights = {0: 0.5, 1: 2.0, 2: 1.5}
    assert_twins(classifier, compiled, DATA.x, DATA.classes, class_weight=weights)


@pytest.mark.parametrize(
    ("plain", "weighted", "names"),
    [
        (None, ["acc"], ["acc"]),
        (["acc"], ["acc"], ["acc", "weighted_acc"]),
        (["accuracy"], ["acc"], ["accuracy", "acc"]),
        (["acc", SPARSE], [SPARSE, "acc"], ["acc", SPARSE, f"weighted_{SPARSE}", "weighted_acc"]),
        (None, ["acc", "acc", "acc"], ["acc", "weighted_acc", "weighted_acc_1"]),
    ],
)
def test_the_names_are_those_of_keras(plain: Any, weighted: Any, names: list[str]) -> None:
    compiled = with_metrics(SPARSE, metrics=plain, weighted_metrics=weighted)
    found = assert_twins(classifier, compiled, DATA.x, DATA.classes, sample_weight=DATA.weight)
    assert [*found.history] == ["loss", *names]


def test_a_validation_weighs_by_its_own_weights() -> None:
    compiled = with_metrics(SPARSE, metrics=["acc"], weighted_metrics=["acc"])
    held_out = (HELD_OUT.x, HELD_OUT.classes, HELD_OUT.weight)
    assert_twins(classifier, compiled, DATA.x, DATA.classes, validation_data=held_out)


def test_metrics_that_keep_a_state_take_the_weights() -> None:
    def build(lib: Any) -> Any:
        return lib.Sequential([lib.Input(shape=(6,)), lib.layers.Dense(1, activation="sigmoid")])

    compiled = with_metrics("binary_crossentropy", weighted_metrics=["AUC", "Precision", "Recall"])
    assert_twins(build, compiled, DATA.x, DATA.binary, sample_weight=DATA.weight)


@pytest.mark.parametrize(
    "weighted",
    [{"a": ["mae"], "b": ["mse"]}, {"b": ["mae"]}, [["mae", "mse"], []]],
    ids=["dict", "one of the dict", "lists"],
)
def test_each_output_has_its_own(weighted: Any) -> None:
    def build(lib: Any) -> Any:
        x = lib.Input(shape=(6,))
        heads = [lib.layers.Dense(1, name=name)(x) for name in ("a", "b")]
        return (Model if lib is ONFIT else keras.Model)(x, heads)

    compiled = with_metrics("mse", metrics={"a": ["mae"]}, weighted_metrics=weighted)
    weight = DATA.weight
    assert_twins(build, compiled, DATA.x, [DATA.real, -DATA.real], sample_weight=weight)


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_files_hold_them_both_ways(tmp_path: Path, name: str) -> None:
    arguments = with_metrics(SPARSE, metrics=["acc"], weighted_metrics=["acc"])
    reference, model = same_start(classifier)
    reference.compile(**arguments(KERAS))
    model.compile(**arguments(ONFIT))
    reference.fit(DATA.x, DATA.classes, sample_weight=DATA.weight, verbose=0)
    for writer, read in ((reference, load_model), (model, load_model)):
        writer.save(tmp_path / name)
        again = read(tmp_path / name)
        assert again.metrics_names == ["loss", "acc", "weighted_acc"]
    again = keras.saving.load_model(tmp_path / name)
    found = again.evaluate(
        DATA.x, DATA.classes, sample_weight=DATA.weight, verbose=0, return_dict=True
    )
    assert set(found) == {"loss", "acc", "weighted_acc"}
