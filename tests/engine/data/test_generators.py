"""Generators, and Keras' methods for them."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.engine.data.data_forms import Pairs, X, Y, endless, linear, two_in_two_out

from onfit.errors import ArgumentError, DataError, OnfitWarning
from onfit.layers import Dense
from onfit.models import Sequential
from onfit.utils import Sequence

# --- generators ------------------------------------------------------------------------------


def test_an_endless_generator_trains_by_steps() -> None:
    history = linear().fit(
        endless(),
        steps_per_epoch=3,
        epochs=2,
        validation_data=endless(),
        validation_steps=2,
        verbose=0,
    )
    assert [len(values) for values in history.history.values()] == [2, 2]


def test_a_generator_validates_more_than_once_only_by_steps() -> None:
    model = linear()
    before = model.get_weights()
    text = "validation_data is a generator, .* Pass validation_steps="
    with pytest.raises(DataError, match=text):
        model.fit(X, Y, epochs=2, validation_data=endless(), verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


@pytest.mark.parametrize("given", [{"epochs": 1}, {"epochs": 3, "initial_epoch": 2}])
def test_a_generator_that_ends_validates_once(given: Any) -> None:
    history = linear().fit(X, Y, validation_data=iter([(X, Y)]), verbose=0, **given)
    assert len(history.history["val_loss"]) == 1


def test_a_generator_that_ends_validates_the_one_epoch_that_is_due() -> None:
    history = linear().fit(
        X, Y, epochs=3, validation_freq=2, validation_data=iter([(X, Y)]), verbose=0
    )
    assert len(history.history["val_loss"]) == 1


def test_a_generator_feeds_several_inputs_and_outputs() -> None:
    model = two_in_two_out()
    batches = [
        ({"a": X, "b": X}, [Y, Y], {"sum": np.ones(10)}),
        ([X, X], {"sum": Y, "product": Y}),
    ]
    history = model.fit(iter(batches), verbose=0)
    assert len(history.history["loss"]) == 1
    assert len(model.predict(iter([([X, X],)]), verbose=0)) == 2


def test_a_batch_whose_parts_differ_in_length_is_an_error() -> None:
    with pytest.raises(DataError, match="x has 10 samples, y has 1 samples"):
        linear().fit(iter([(X, Y[:1])]), verbose=0)
    with pytest.raises(DataError, match="sample_weight has 2 samples"):
        linear().fit(iter([(X, Y, [1, 2])]), verbose=0)


def test_a_generator_of_single_numbers_is_an_error() -> None:
    with pytest.raises(DataError, match="x is a single number"):
        linear().predict(iter([1.0, 2.0]), verbose=0)


# --- Keras' methods for generators -----------------------------------------------------------


def test_fit_generator_is_fit() -> None:
    histories = []
    for method in ("fit", "fit_generator"):
        torch.manual_seed(0)
        model = Sequential([Dense(1, input_dim=1, kernel_initializer="ones")])
        model.compile("sgd", "mae")
        history = getattr(model, method)(
            Pairs(),
            epochs=3,
            initial_epoch=1,
            class_weight={0: 2.0},
            validation_data=(X, Y),
            validation_freq=2,
            verbose=0,
        )
        histories.append((history.epoch, history.history))
    assert histories[0] == histories[1]
    assert histories[0][0] == [1, 2]


def test_the_places_of_the_arguments_are_those_of_keras() -> None:
    model = linear()
    history = model.fit_generator(endless(), 3, 2, 0, None, endless(), 2)
    assert [len(values) for values in history.history.values()] == [2, 2]
    assert model.evaluate_generator(Pairs(), 2) == model.evaluate(Pairs(), steps=2, verbose=0)
    assert len(model.predict_generator(Pairs(), 2)) == 4


def test_evaluate_and_predict_generator_are_silent_unless_asked(capsys: Any) -> None:
    model = linear()
    model.evaluate_generator(Pairs())
    model.predict_generator(Pairs())
    assert capsys.readouterr().out == ""
    model.evaluate_generator(Pairs(), verbose=1)
    assert capsys.readouterr().out != ""


def test_a_generator_must_say_how_many_steps() -> None:
    model = linear()
    with pytest.raises(ArgumentError, match="steps_per_epoch=None: a generator may go on for ever"):
        model.fit_generator(endless())
    with pytest.raises(ArgumentError, match="validation_steps=None: a generator may go on"):
        model.fit_generator(Pairs(), validation_data=endless())
    with pytest.raises(ArgumentError, match=r"^steps=None: a generator may go on for ever"):
        model.evaluate_generator(endless())
    with pytest.raises(ArgumentError, match=r"^steps=None: a generator may go on for ever"):
        model.predict_generator(endless())


def test_a_sequence_that_is_an_iterator_too_has_its_length() -> None:
    class Batches(Sequence):
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> Any:
            return X, Y

        def __next__(self) -> Any:
            return self[0]

    model = linear()
    history = model.fit_generator(Batches(), validation_data=Batches(), verbose=0)
    assert history.params["steps"] == 2
    assert model.evaluate_generator(Batches()) == pytest.approx(model.evaluate(X, Y, verbose=0))
    assert len(model.predict_generator(Batches())) == 2 * len(X)


@pytest.mark.parametrize(
    ("method", "old", "successor"),
    [
        ("fit_generator", {"nb_epoch": 2}, "epochs"),
        ("fit_generator", {"max_q_size": 2}, "max_queue_size"),
        ("fit_generator", {"nb_worker": 2}, "workers"),
        ("fit_generator", {"pickle_safe": False}, "use_multiprocessing"),
        ("evaluate_generator", {"nb_worker": 2, "max_q_size": 3}, "workers=..., max_queue_size"),
        ("predict_generator", {"nb_workers": 2}, "workers"),
    ],
)
def test_names_of_keras_1_are_taken_with_one_warning(
    method: str, old: dict[str, Any], successor: str
) -> None:
    with pytest.warns(OnfitWarning, match=rf"{method}\(.*of Keras 1. Write {successor}=") as told:
        getattr(linear(), method)(Pairs(), **old, verbose=0)
    assert len(told) == 1


class KnowsItsBatches(Pairs):
    batch_size = 2


def test_a_number_of_samples_of_keras_1_becomes_one_of_batches() -> None:
    with pytest.warns(OnfitWarning, match="Write steps_per_epoch=.*, validation_steps="):
        history = linear().fit_generator(
            KnowsItsBatches(),
            samples_per_epoch=4,
            validation_data=KnowsItsBatches(),
            nb_val_samples=2,
            verbose=0,
        )
    assert history.params["steps"] == 2


@pytest.mark.parametrize(
    ("method", "old", "successor"),
    [
        ("fit_generator", "samples_per_epoch", "steps_per_epoch"),
        ("fit_generator", "nb_val_samples", "validation_steps"),
        ("evaluate_generator", "val_samples", "steps"),
        ("predict_generator", "val_samples", "steps"),
    ],
)
def test_a_number_of_samples_of_batches_of_unknown_size_is_an_error(
    method: str, old: str, successor: str
) -> None:
    text = rf"{method}\({old}=1\) is an argument of Keras 1 .*Use {successor}, which counts batches"
    with pytest.raises(ArgumentError, match=text):
        getattr(linear(), method)(Pairs(), **{old: 1})


def test_an_unknown_argument_names_the_nearest_one() -> None:
    with pytest.raises(ArgumentError, match=r"Did you mean 'steps_per_epoch'\?"):
        linear().fit_generator(Pairs(), step_per_epoch=3)
    with pytest.raises(ArgumentError, match=r"Did you mean 'workers'\?"):
        linear().fit(Pairs(), worker=3)
