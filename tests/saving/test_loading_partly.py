"""`load_weights` with `by_name` and `skip_mismatch` does what Keras' does."""

import warnings

import keras
import numpy as np
import pytest
import torch
from tests.saving.keras_models import tolerant_of_keras
from tests.saving.small import assert_identical

from onfit import layers
from onfit.errors import ArgumentError, FileFormatError, OnfitWarning
from onfit.models import Model, Sequential

pytestmark = tolerant_of_keras


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def stack(home, inputs, *units):
    """Layers a, b, c ... of `home`, with all weights 1."""
    named = [home.layers.Dense(n, name=name) for n, name in zip(units, "abcdef", strict=False)]
    model = home.Sequential([home.layers.Input((inputs,)), *named])
    model.set_weights([np.ones(w.shape, "float32") for w in model.get_weights()])
    return model


class Ours:
    layers, Sequential = layers, Sequential


def changed(model):
    return [bool((weight != 1).any()) for weight in model.get_weights()]


def written(name, *shape):
    """A file by Keras, of weights that are all 2."""
    model = stack(keras, *shape)
    model.set_weights([np.full(w.shape, 2.0, "float32") for w in model.get_weights()])
    model.save_weights("w.weights.h5") if "weights" in name else model.save(name)


@pytest.mark.parametrize("shape", [(4, 3, 2), (4, 3), (4, 3, 5), (6, 3, 2), (4, 3, 2, 2)])
@pytest.mark.parametrize("options", [{"by_name": True, "skip_mismatch": True}, {"by_name": True}])
def test_layers_of_the_same_name_are_read(shape, options):
    written("w.h5", 4, 3, 2)
    ours, theirs = stack(Ours, *shape), stack(keras, *shape)
    outcomes = []
    for model, error in ((ours, FileFormatError), (theirs, ValueError)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                model.load_weights("w.h5", **options)
                outcomes.append(changed(model))
            except error:
                outcomes.append("error")
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("name", ["w.h5", "w.weights.h5"])
@pytest.mark.parametrize("shape", [(4, 3, 2), (4, 3, 5), (6, 3, 2)])
def test_what_does_not_fit_is_left_out(name, shape):
    written(name, 4, 3, 2)
    ours, theirs = stack(Ours, *shape), stack(keras, *shape)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ours.load_weights(name, skip_mismatch=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.load_weights(name, skip_mismatch=True)
    assert changed(ours) == changed(theirs)
    said = [str(w.message) for w in caught if w.category is OnfitWarning]
    assert len(said) == (0 if shape == (4, 3, 2) else 1)


def test_numbered_layers_that_one_side_lacks_are_left_out_too():
    written("w.weights.h5", 4, 3, 2)
    model = stack(Ours, 4, 3)
    with pytest.warns(OnfitWarning, match=r"w\.weights\.h5.*dense_1"):
        model.load_weights("w.weights.h5", skip_mismatch=True)
    assert all(changed(model))


def test_another_number_of_layers_asks_for_names():
    written("w.h5", 4, 3, 2)
    with pytest.raises(FileFormatError, match="by_name=True"):
        stack(Ours, 4, 3).load_weights("w.h5", skip_mismatch=True)


def test_a_mismatch_changes_nothing_without_consent():
    written("w.h5", 4, 3, 2)
    model = stack(Ours, 4, 3, 5)
    with pytest.raises(FileFormatError, match=r"\(3, 2\) in the file.*skip_mismatch=True"):
        model.load_weights("w.h5", by_name=True)
    assert not any(changed(model))


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_a_part_of_a_state_dict_is_read_by_its_names(name):
    net, other = (
        torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, out)) for out in (2, 5)
    )
    Model(net).save_weights(name)
    before = [weight.clone() for weight in other[1].parameters()]
    with pytest.warns(OnfitWarning, match=r"\(2, 3\) in the file, \(5, 3\) in the model"):
        Model(other).load_weights(name, skip_mismatch=True)
    assert_identical(*([p.detach() for p in each[0].parameters()] for each in (net, other)))
    assert_identical([p.detach() for p in other[1].parameters()], [w.detach() for w in before])


def test_numbers_are_no_names():
    stack(Ours, 4, 3).save_weights("w.weights.h5")
    with pytest.raises(ArgumentError, match="numbers them"):
        stack(Ours, 4, 3).load_weights("w.weights.h5", by_name=True)
    with pytest.raises(ValueError, match="by_name"):
        stack(keras, 4, 3).load_weights("w.weights.h5", by_name=True)


def test_no_name_in_common_is_said():
    Sequential([layers.Dense(3, input_dim=4, name="z")]).save_weights("w.h5")
    with pytest.warns(OnfitWarning, match="none is read"):
        stack(Ours, 4, 3).load_weights("w.h5", by_name=True)
