"""Whatever a model's methods are given in the place of an argument, no raw error comes out."""

import random

import numpy as np
import pytest
import torch

import onfit
from onfit import layers
from onfit.errors import ArgumentError, ArgumentTypeError, DataError, NotReadyError, OnfitError
from onfit.models import load_model

SEED, TRIES = 21, 10
X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = X[:, :1] * 2


class Odd:
    """An object that is nothing of what a method takes."""


# What callbacks=, x= and the like get by mistake. Each is made anew for a call.
WRONG = [
    *(lambda v=v: v for v in (None, 3, -1, 0, 2.5, float("nan"), float("inf"), True, 1j)),
    *(lambda v=v: v for v in ("foo", "", b"a", "a\0b", range(3))),
    *(lambda: {"a": X}, dict, list, lambda: ["a", "b"], lambda: (1, 2), lambda: {1, 2}),
    *(Odd, lambda: Odd, lambda: lambda *given: 0, lambda: layers.Dense(2), lambda: _one()),
    *(lambda: X, lambda: np.array([Odd()] * 8), lambda: np.array(["a"] * 8)),
    *(lambda: np.zeros((0, 4)), lambda: np.ones((8, 4), complex), lambda: torch.ones(8, 4)),
    *(lambda: [[1, 2], [3]], lambda: (X, Y, Y[:, 0], Y), lambda: [None, None]),
    *(lambda: torch.ones(8, 4, device="meta"), lambda: torch.eye(8, 4).to_sparse()),
]
FIT = (
    "x y batch_size epochs verbose validation_split shuffle sample_weight "
    "initial_epoch steps_per_epoch validation_steps validation_batch_size validation_freq"
)
DOORS = {
    "fit": FIT,
    "evaluate": "x y batch_size verbose sample_weight steps return_dict",
    "predict": "x batch_size verbose steps",
    "train_on_batch": "x y sample_weight return_dict reset_metrics",
    "test_on_batch": "x y sample_weight return_dict reset_metrics",
    "predict_on_batch": "x",
    "compile": "optimizer loss loss_weights metrics weighted_metrics auto_scale_loss device "
    "distribution sync_batch_norm mixed_precision",
    "save": "filepath overwrite include_optimizer save_format",
    "save_weights": "filepath overwrite",
    "load_weights": "filepath by_name skip_mismatch",
    "load_model": "filepath custom_objects compile",
    "set_weights": "weights",
}


def _one():
    model = onfit.Sequential([layers.Dense(1, input_dim=4)])
    model.compile("sgd", "mse")
    return model


def _two():
    first, second = onfit.Input((4,)), onfit.Input((4,))
    model = onfit.Model(
        [first, second], [layers.Dense(1)(layers.Add()([first, second])), layers.Dense(1)(second)]
    )
    model.compile("sgd", "mse")
    return model


def _call(door, model, given, folder):
    several = len(model.output_names) > 1
    x, y = ([X, X], [Y, Y]) if several else (X, Y)
    plain = {
        **{name: {"x": x, "y": y, "verbose": 0} for name in ("fit", "evaluate")},
        **{name: {"x": x, "y": y} for name in ("train_on_batch", "test_on_batch")},
        "predict": {"x": x, "verbose": 0},
        "save": {"filepath": folder / "new.keras"},
        "save_weights": {"filepath": folder / "new.weights.h5"},
        "load_weights": {"filepath": folder / f"of_{len(model.outputs)}.weights.h5"},
        "load_model": {"filepath": folder / "model.keras"},
    }
    method = load_model if door == "load_model" else getattr(model, door)
    method(**{**plain.get(door, {}), **given})
    if door == "compile":
        model.fit(x, y, verbose=0)


@pytest.mark.parametrize("door", DOORS)
def test_a_wrong_value_of_an_argument_is_taken_or_an_error_of_onfit(door, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _one().save(tmp_path / "model.keras")
    draw, calls = random.Random(SEED), 0
    for make in (_one, _two):
        made = make()
        made.save_weights(tmp_path / f"of_{len(made.outputs)}.weights.h5")
        for argument in DOORS[door].split():
            for wrong in draw.sample(WRONG, TRIES):
                calls += 1
                try:
                    _call(door, make(), {argument: wrong()}, tmp_path)
                except OnfitError as error:
                    assert str(error)  # noqa: PT017
                except UserWarning:  # warnings are errors here
                    pass
                except Exception as error:
                    pytest.fail(f"{door}({argument}={wrong()!r}): {error!r}")
    assert calls == 2 * TRIES * len(DOORS[door].split())


@pytest.mark.parametrize("wrong", [{"a": X}, [X, X], (X,)])
@pytest.mark.parametrize("layer", [layers.Dense(1), layers.Embedding(5, 3), layers.Flatten()])
def test_several_inputs_of_a_layer_that_takes_one_are_an_error_that_names_the_layer(layer, wrong):
    for called in (layer, onfit.Sequential([layer])):
        with pytest.raises(ArgumentTypeError, match=f"{type(layer).__name__}.*takes one tensor"):
            called(wrong)


@pytest.mark.parametrize("methods", ["predict", "predict_on_batch"])
def test_a_tuple_of_arrays_is_no_input_of_a_model_of_one(methods):
    with pytest.raises(DataError, match="x is not rectangular"):
        getattr(_one(), methods)((X, Y, Y, Y))


def test_losses_for_no_output_are_no_loss():
    one, two = _one(), _two()
    one.compile("sgd", {})
    two.compile("sgd", [None, None])
    with pytest.raises(NotReadyError, match="compiled without a loss"):
        one.fit(X, Y, verbose=0)
    with pytest.raises(NotReadyError, match="compiled without a loss"):
        two.fit([X, X], [Y, Y], verbose=0)


@pytest.mark.parametrize("wrong", [Odd, lambda weights: 0])
def test_what_makes_no_optimizer_of_weights_is_an_error_that_says_so(wrong):
    model = onfit.Sequential([layers.Dense(1)])
    model.compile(wrong, "mse")
    with pytest.raises(ArgumentError, match="called with the model's weights"):
        model.fit(X, Y, verbose=0)


def test_a_flag_that_is_text_is_an_error():
    with pytest.raises(ArgumentTypeError, match=r"evaluate.return_dict='no'.: .* True or False"):
        _one().evaluate(X, Y, verbose=0, return_dict="no")
    with pytest.raises(ArgumentTypeError, match=r"save.overwrite='no'.: .* True or False"):
        _one().save("model.keras", overwrite="no")


def test_shuffle_is_true_false_or_the_word_of_keras():
    assert _one().fit(X, Y, verbose=0, shuffle="batch").epoch == [0]
    for wrong in ("no", X):
        with pytest.raises(ArgumentError, match="it is True or False"):
            _one().fit(X, Y, verbose=0, shuffle=wrong)
