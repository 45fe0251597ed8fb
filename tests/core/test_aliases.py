"""Aliases: one quantity under several names, for reading only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onfit.core.aliases import SYNONYMS, AliasDict, find, other_names
from onfit.errors import MissingMetricError


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("acc", ["accuracy"]),
        ("val_acc", ["val_accuracy"]),
        ("val_accuracy", ["val_acc"]),
        ("lr", ["learning_rate"]),
        ("learning_rate", ["lr"]),
        ("digits_accuracy", ["digits_acc"]),
        ("val_digits_out_acc", ["val_digits_out_accuracy"]),
        ("val_mse", ["val_MSE", "val_mean_squared_error"]),
        ("mean_absolute_error", ["mae", "MAE"]),
        ("loss", []),
        ("balanced", []),
        ("accurate", []),
        ("myacc", []),
        ("acc_top5", []),
    ],
)
def test_a_name_has_these_other_spellings(name, others):
    assert list(other_names(name)) == others


@given(st.sampled_from(sorted(SYNONYMS)), st.sampled_from(["", "val_", "out_", "val_out_1_"]))
def test_every_spelling_finds_every_other(name, prefix):
    for other in SYNONYMS[name]:
        assert find(prefix + name, {prefix + other}) == prefix + other


def test_an_exact_name_wins():
    names = {"accuracy": 1, "acc": 2}
    assert find("acc", names) == "acc"
    assert find("accuracy", names) == "accuracy"


def test_the_key_that_is_there_is_found_in_an_alias_dict_too():
    assert find("acc", AliasDict(accuracy=1)) == "accuracy"
    assert find("accuracy", AliasDict(accuracy=1, acc=2)) == "accuracy"


def test_a_prefix_must_match():
    assert find("acc", {"val_accuracy"}) is None
    assert find("val_acc", {"accuracy"}) is None


def test_an_alias_dict_reads_by_every_name():
    values = AliasDict(accuracy=0.9)
    assert values["acc"] == values.get("acc") == values["accuracy"] == 0.9
    assert "acc" in values
    assert "loss" not in values
    assert values.get("loss") is None
    assert values.get("loss", 3) == 3


def test_an_alias_dict_holds_each_name_as_it_was_written():
    values = AliasDict(accuracy=0.9)
    values["acc"] = 0.1
    assert dict(values) == {"accuracy": 0.9, "acc": 0.1}
    assert values["acc"] == 0.1
    assert list(values) == ["accuracy", "acc"]


def test_an_unknown_name_is_a_key_error_that_names_it():
    with pytest.raises(KeyError, match="val_acc"):
        AliasDict(loss=1)["val_acc"]


def test_a_key_that_is_no_text_is_just_a_key():
    values = AliasDict({1: "one"})
    assert values[1] == "one"
    assert 2 not in values
    with pytest.raises(KeyError):
        values[2]


def test_a_name_that_is_not_there_is_an_error_with_those_that_are():
    with pytest.raises(MissingMetricError) as caught:
        AliasDict(loss=1.0, accuracy=0.5)["acuracy"]
    assert isinstance(caught.value, KeyError)
    assert str(caught.value) == (
        "'acuracy' was asked for, and nothing is logged under that name. "
        "There are: accuracy, loss. Did you mean 'accuracy'?"
    )


def test_a_val_name_without_a_validation_is_an_error_that_says_how_to_validate():
    with pytest.raises(MissingMetricError, match=r"loss\. A validation gives val_ values"):
        AliasDict(loss=1.0)["val_loss"]


@pytest.mark.parametrize("name", ["val_loss", 3, None, ("loss",)])
def test_get_of_what_is_not_there_is_the_default(name):
    assert AliasDict(loss=1.0).get(name, 0.5) == 0.5
