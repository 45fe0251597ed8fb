"""What trainers log, in Keras' words."""

import numpy as np
import pytest

from onfit.integrations.hosting.values import changed, in_keras_words, numbers_in, renamed


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train"], ["loss"]),
        (["eval"], ["val_loss"]),
        (["validation_0", "validation_1"], ["validation_0_loss", "val_loss"]),
        (["eval", "train"], ["val_loss", "loss"]),
        ([], []),
    ],
)
def test_of_several_sets_the_last_that_is_not_trained_on_validates(names, expected):
    results = [(name, "loss", 1.0) for name in names]
    assert list(in_keras_words(results, {"train"})) == expected


def test_numbers_are_reals_and_tensors_of_one_number():
    values = {"a": 1, "b": 0.5, "c": np.array(2.0), "d": np.ones(2), "e": True, "f": "x", "g": None}
    assert list(numbers_in(values)) == ["a", "b", "c"]


def test_a_value_has_changed_if_it_is_another_object():
    one, other = float("1.5"), float("1.5")
    assert changed({"a": one, "b": other, "c": 0.0}, {"a": one, "b": one}) == {"b": 1.5, "c": 0.0}


def test_of_the_beginnings_of_a_name_the_first_that_fits_is_replaced():
    prefixes = {"train_": "", "valid_": "val_", "": "val_"}
    names = renamed({"train_loss": 1, "valid_loss": 2, "accuracy": 3}, prefixes)
    assert list(names) == ["loss", "val_loss", "val_accuracy"]
    assert list(renamed({"lr": 1}, {"valid_": "val_"})) == ["lr"]
