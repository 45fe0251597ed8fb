"""What a callback says to another library's trainer that asks for what it has not."""

import copy
import pickle
import sys
from abc import ABCMeta
from types import SimpleNamespace

import pytest

from onfit.callbacks import Callback, EarlyStopping
from onfit.errors import ArgumentTypeError


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("state_key", "lightning"),
        ("on_init_end", "transformers"),
        ("before_training", "xgboost"),
        ("attach", "ignite"),
        ("init_callback", "stable_baselines3"),
        ("order", "fastai"),
        ("initialize", "skorch"),
    ],
)
def test_the_error_names_the_class_for_the_trainer_that_asks(name, library):
    with pytest.raises(AttributeError) as caught:
        getattr(EarlyStopping(), name)
    assert str(caught.value) == (
        f"'EarlyStopping' object has no attribute {name!r}. {library} asks for it, whose trainer "
        "takes callbacks of its own alone. Hand it "
        f"onfit.integrations.{library}.OnfitCallback([EarlyStopping(...)])."
    )


def test_a_trainer_that_takes_an_absence_for_an_answer_gets_an_error():
    with pytest.raises(ArgumentTypeError, match=r"lightgbm\.OnfitCallback\(\[EarlyStopping"):
        getattr(EarlyStopping(), "before_iteration", False)


def test_a_name_is_asked_for_by_fastai_where_its_learner_was_set_before():
    callback = EarlyStopping()
    assert getattr(callback, "name", "none") == "none"
    with pytest.raises(AttributeError, match=r"no attribute 'name'$"):
        _ = callback.name
    callback.learn = object()
    with pytest.raises(AttributeError, match=r"fastai\.OnfitCallback"):
        _ = callback.name


def test_poutynes_trainer_is_one_to_write_a_callback_for():
    with pytest.raises(AttributeError, match=r"docs/write-your-own\.md"):
        _ = EarlyStopping().on_backward_end


def test_a_trainer_that_checks_the_class_asks_for_the_attribute_next(monkeypatch):
    TrainingCallback = ABCMeta("TrainingCallback", (), {})  # noqa: N806  a class
    callback = EarlyStopping()
    assert not isinstance(callback, TrainingCallback)
    loaded = SimpleNamespace(TrainingCallback=TrainingCallback)
    monkeypatch.setitem(sys.modules, "xgboost.callback", loaded)
    assert isinstance(callback, TrainingCallback)
    assert isinstance(callback, Callback)
    assert not isinstance(callback, str)
    assert callback.__class__ is EarlyStopping


def test_facts_of_the_run_that_are_missing_are_those_that_skorch_leaves_out():
    with pytest.raises(ArgumentTypeError, match=r"skorch asks .*skorch\.OnfitCallback\(\[Ear"):
        EarlyStopping().set_params()


def test_any_other_missing_attribute_is_simply_missing():
    with pytest.raises(AttributeError, match=r"^'EarlyStopping' object has no attribute 'patince'"):
        _ = EarlyStopping().patince
    assert not hasattr(EarlyStopping(), "state_key")
    assert getattr(EarlyStopping(), "order", 3) == 3


def test_a_subclass_may_have_an_attribute_that_a_trainer_asks_for():
    class Mine(Callback):
        order = 1

        def __init__(self):
            self.state_key = "mine"

    assert (Mine().order, Mine().state_key) == (1, "mine")


def test_an_attribute_error_within_a_property_is_told_as_it_is():
    class Mine(Callback):
        @property
        def rows(self):
            return self.tabel

    with pytest.raises(AttributeError, match="no attribute 'tabel'"):
        _ = Mine().rows


def test_callbacks_are_copied_and_pickled_as_before():
    before = EarlyStopping(patience=7)
    after = [copy.copy(before), copy.deepcopy(before), pickle.loads(pickle.dumps(before))]
    assert [one.patience for one in after] == [7, 7, 7]
