"""`fit`, `evaluate`, `predict` and `train_on_batch` against those of Keras itself."""

import warnings
from typing import Any

import numpy as np
import pytest
from tests.twin.exclusions import excluded
from tests.twin.keras_twin import (
    KERAS,
    ONFIT,
    assert_same,
    assert_twins,
    close,
    make_data,
    outcome,
    same_start,
    tolerant_of_keras,
)
from tests.twin.small_models import DATA, classifier, regression, with_mse

pytestmark = tolerant_of_keras

# --- data ------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 7, 25, 50, 64, None])
def test_ragged_and_whole_batches_train_as_keras_do(batch_size: int | None) -> None:
    assert_twins(regression, with_mse, DATA.x, DATA.real, batch_size=batch_size)


def test_targets_of_one_axis_meet_outputs_of_two() -> None:
    assert_twins(regression, with_mse, DATA.x, DATA.real[:, 0])


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "uint8", "bool"])
def test_numbers_of_any_type_train_as_keras_do(dtype: str) -> None:
    assert_twins(regression, with_mse, (DATA.x * 3).astype(dtype), DATA.real)


WEIGHTS: dict[str, dict[str, Any]] = {
    "sample_weight": {"sample_weight": DATA.weight},
    "class_weight": {"class_weight": {0: 0.5, 1: 2.0, 2: 1.5}},
    "class_weight without every class": {"class_weight": {1: 3.0}},
}


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("onehot", [False, True], ids=["sparse", "onehot"])
def test_weights_weigh_as_in_keras(name: str, onehot: bool) -> None:
    loss = "categorical_crossentropy" if onehot else "sparse_categorical_crossentropy"
    assert_twins(
        classifier,
        lambda lib: {"optimizer": "adam", "loss": loss, "metrics": ["acc"]},
        DATA.x,
        DATA.onehot if onehot else DATA.classes,
        **WEIGHTS[name],
    )


@excluded("class_weight beside sample_weight")
def test_class_weight_and_sample_weight_multiply() -> None:
    def compiled(lib: Any) -> dict[str, Any]:
        return {"optimizer": "adam", "loss": "sparse_categorical_crossentropy"}

    reference, model = same_start(classifier)
    class_weight = {0: 0.5, 1: 2.0, 2: 1.5}
    product = DATA.weight * np.array([0.5, 2.0, 1.5], "float32")[DATA.classes]
    reference.compile(**compiled(KERAS))
    model.compile(**compiled(ONFIT))
    weights = {"class_weight": class_weight, "sample_weight": DATA.weight}
    with pytest.raises(ValueError, match="You cannot `class_weight` and `sample_weight`"):
        reference.fit(DATA.x, DATA.classes, verbose=0, **weights)
    expected = outcome(reference, DATA.x, DATA.classes, sample_weight=product)
    assert_same(expected, outcome(model, DATA.x, DATA.classes, **weights))


# --- validation ------------------------------------------------------------------------------

HELD_OUT = make_data(seed=1, samples=21)
VALIDATIONS: dict[str, dict[str, Any]] = {
    "split": {"validation_split": 0.3},
    "a split that leaves no whole number": {"validation_split": 0.33},
    "a split of weights too": {"validation_split": 0.3, "sample_weight": DATA.weight},
    "data": {"validation_data": (HELD_OUT.x, HELD_OUT.real)},
    "data with weights": {"validation_data": (HELD_OUT.x, HELD_OUT.real, HELD_OUT.weight)},
    "data win over a split": {
        "validation_data": (HELD_OUT.x, HELD_OUT.real),
        "validation_split": 0.3,
    },
    "batch size": {"validation_data": (HELD_OUT.x, HELD_OUT.real), "validation_batch_size": 4},
    "steps": {
        "validation_data": (HELD_OUT.x, HELD_OUT.real),
        "validation_batch_size": 4,
        "validation_steps": 2,
    },
    "every second epoch": {"validation_split": 0.3, "validation_freq": 2, "epochs": 5},
    "in these epochs": {"validation_split": 0.3, "validation_freq": [1, 4], "epochs": 5},
    "every second epoch, begun late": {
        "validation_split": 0.3,
        "validation_freq": 2,
        "epochs": 6,
        "initial_epoch": 3,
    },
}


@pytest.mark.parametrize("name", VALIDATIONS)
def test_validation_is_keras_validation(name: str) -> None:
    ours = assert_twins(regression, with_mse, DATA.x, DATA.real, **VALIDATIONS[name])
    assert "val_loss" in ours.history


# --- epochs and steps ------------------------------------------------------------------------


def test_epochs_are_counted_from_initial_epoch() -> None:
    ours = assert_twins(regression, with_mse, DATA.x, DATA.real, initial_epoch=2, epochs=6)
    assert ours.epochs == [2, 3, 4, 5]


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_an_epoch_of_steps_goes_on_where_the_last_one_ended(steps: int) -> None:
    """Batches of 16 make 4 of 50 samples."""
    assert_twins(regression, with_mse, DATA.x, DATA.real, steps_per_epoch=steps, epochs=5)


@excluded("steps that do not divide the data")
def test_steps_that_do_not_divide_the_data_wrap_around() -> None:
    """Keras ends its second epoch of 3 steps after the last of 4 batches, with a warning."""
    sizes: dict[str, list[int]] = {}
    for name, lib, model in zip(
        ("keras", "onfit"), (KERAS, ONFIT), same_start(regression), strict=True
    ):
        seen = sizes[name] = []

        class Count(lib.Callback):  # type: ignore[misc]
            def on_epoch_begin(self, epoch: int, logs: Any = None, seen: Any = seen) -> None:
                seen.append(0)

            def on_train_batch_end(self, batch: int, logs: Any = None, seen: Any = seen) -> None:
                seen[-1] += 1

        model.compile(**with_mse(lib))
        with warnings.catch_warnings():
            if name == "keras":
                warnings.simplefilter("ignore", UserWarning)
            model.fit(
                DATA.x,
                DATA.real,
                batch_size=16,
                steps_per_epoch=3,
                epochs=3,
                verbose=0,
                callbacks=[Count()],
            )
    assert sizes == {"keras": [3, 1, 3], "onfit": [3, 3, 3]}


@excluded("a stop at a batch skips validation")
def test_a_stop_at_a_batch_skips_validation() -> None:
    logged = []
    for lib, model in zip((KERAS, ONFIT), same_start(regression), strict=True):

        class StopAtOnce(lib.Callback):  # type: ignore[misc]
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                self.model.stop_training = True

        model.compile(**with_mse(lib))
        arguments = {"validation_split": 0.2, "verbose": 0, "callbacks": [StopAtOnce()]}
        history = model.fit(DATA.x, DATA.real, batch_size=16, epochs=3, **arguments)
        logged.append({name: len(values) for name, values in history.history.items()})
    assert logged == [{"loss": 1, "mae": 1, "val_loss": 1, "val_mae": 1}, {"loss": 1, "mae": 1}]


def test_a_second_fit_goes_on_with_weights_and_optimizer() -> None:
    reference, model = same_start(regression)
    for lib, each in ((KERAS, reference), (ONFIT, model)):
        each.compile(optimizer=lib.optimizers.Adam(learning_rate=0.03), loss="mse")
        for _ in range(2):
            each.fit(DATA.x, DATA.real, batch_size=16, epochs=2, shuffle=False, verbose=0)
    for mine, theirs in zip(model.get_weights(), reference.get_weights(), strict=True):
        close(mine, theirs)


def test_a_layer_frozen_in_mid_training_keeps_its_momentum() -> None:
    """Keras freezes at the next batch too; both go on with the state of before."""
    reference, model = same_start(regression)
    for lib, each in ((KERAS, reference), (ONFIT, model)):
        each.compile(optimizer=lib.optimizers.SGD(0.05, momentum=0.9), loss="mse")
        arguments = {"batch_size": 16, "epochs": 2, "shuffle": False, "verbose": 0}
        each.fit(DATA.x, DATA.real, **arguments)
        each.layers[0].trainable = False
        each.fit(DATA.x, DATA.real, **arguments)
        each.layers[0].trainable = True
        each.fit(DATA.x, DATA.real, **arguments)
    for mine, theirs in zip(model.get_weights(), reference.get_weights(), strict=True):
        close(mine, theirs)


# --- one batch -------------------------------------------------------------------------------


def test_one_batch_is_trained_and_measured_as_keras_does() -> None:
    reference, model = same_start(classifier)
    compiled = {"loss": "sparse_categorical_crossentropy", "metrics": ["acc"]}
    told: list[list[Any]] = []
    for lib, each in ((KERAS, reference), (ONFIT, model)):
        each.compile(optimizer=lib.optimizers.SGD(learning_rate=0.5), **compiled)
        said = []
        for rows in (slice(0, 16), slice(16, 32), slice(32, 50)):
            x, y, weight = DATA.x[rows], DATA.classes[rows], DATA.weight[rows]
            said.append(each.train_on_batch(x, y, sample_weight=weight))
            said.append(each.test_on_batch(x, y, sample_weight=weight))
        said.append(each.train_on_batch(DATA.x, DATA.classes, class_weight={0: 3.0, 1: 1.0, 2: 2}))
        told.append(said)
        said.append(each.predict_on_batch(DATA.x[:5]))
    for mine, theirs in zip(told[1], told[0], strict=True):
        close(mine, theirs)
