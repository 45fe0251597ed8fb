"""What every model is: a torch module whose `state_dict` is its own."""

import copy
import functools
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from onfit import losses, optimizers
from onfit.errors import ArgumentError, ShapeError
from onfit.layers import Dense, Dropout
from onfit.models import Model, Sequential

X, Y = np.random.default_rng(0).normal(size=(20, 4)).astype("float32"), np.arange(20) % 3


class Tower(Model):
    """A model of one's own, as torch users write one."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(4, 5)
        self.norm = nn.BatchNorm1d(5)
        self.head = Dense(3, "softmax")
        self.head.ensure_built((None, 5))

    def forward(self, x: torch.Tensor) -> Any:
        return self.head(torch.relu(self.norm(self.hidden(x))))


def sequential() -> Sequential:
    return Sequential([Dense(5, "relu", input_dim=4), Dropout(0.3), Dense(3, "softmax")])


def wrapped() -> Model:
    net = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3), nn.Softmax(-1))
    return Model(net)


MODELS = [sequential, wrapped, Tower]
CLASSES = "sparse_categorical_crossentropy"
kinds = pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)


# --- state_dict ------------------------------------------------------------------------------


@kinds
def test_the_state_dict_is_the_nets_alone_before_and_after_compile_and_fit(make: Any) -> None:
    model = make()
    names = list(model.state_dict())
    model.compile(torch.optim.Adam(model.parameters()), nn.CrossEntropyLoss(), metrics=["acc"])
    assert list(model.state_dict()) == names
    model.fit(X, Y, verbose=0)
    assert list(model.state_dict()) == names
    other = make()
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


@kinds
def test_what_compile_receives_is_no_part_of_the_module(make: Any) -> None:
    model = make()
    modules = list(model.modules())
    model.compile("adam", nn.CrossEntropyLoss())
    assert list(model.modules()) == modules


# --- copies ----------------------------------------------------------------------------------

COMPILED: dict[str, dict[str, Any]] = {
    "by name": {"optimizer": "adam", "loss": CLASSES, "metrics": ["acc"]},
    "objects": {
        "optimizer": optimizers.SGD(0.1, momentum=0.9),
        "loss": losses.SparseCategoricalCrossentropy(),
        "metrics": [losses.sparse_categorical_crossentropy],
    },
    "torch factory": {
        "optimizer": functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9),
        "loss": nn.CrossEntropyLoss(),
    },
}


@kinds
@pytest.mark.parametrize("compiled", COMPILED)
@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_a_copy_of_a_trained_model_goes_on_exactly_as_it_does(
    make: Any, compiled: str, how: str
) -> None:
    model = make()
    model.compile(**copy.deepcopy(COMPILED[compiled]))
    model.fit(X, Y, epochs=2, verbose=0)
    again = copy.deepcopy(model) if how == "deepcopy" else pickle.loads(pickle.dumps(model))
    before = model.get_weights()
    for each in (model, again):
        torch.manual_seed(0)
        each.fit(X, Y, batch_size=5, epochs=2, verbose=0)
    for mine, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert not np.array_equal(model.get_weights()[0], before[0])


def test_a_copy_shares_nothing_with_the_model() -> None:
    model = sequential()
    model.compile("sgd", CLASSES)
    again = copy.deepcopy(model)
    before = again.get_weights()
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(again.get_weights()[0], before[0])
    assert again.optimizer is not model.optimizer


def test_an_unbuilt_model_can_be_copied() -> None:
    model = Sequential([Dense(3, "softmax")])
    model.compile("sgd", CLASSES)
    again = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    again.fit(X, Y, verbose=0)
    assert not model.built


# --- weights ---------------------------------------------------------------------------------


@kinds
def test_weights_can_be_read_and_put_back(make: Any) -> None:
    model, other = make(), make()
    weights = model.get_weights()
    kept = [weight.copy() for weight in weights]
    other.set_weights(weights)
    model.compile("sgd", CLASSES)
    model.fit(X, Y, verbose=0)
    for mine, theirs in zip(weights, kept, strict=True):
        np.testing.assert_array_equal(mine, theirs)  # they were copies
    model.set_weights(weights)
    np.testing.assert_array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))


def test_buffers_are_weights_too() -> None:
    names = [name for name, _ in Tower().named_weights()]
    assert names == [
        "hidden.weight",
        "hidden.bias",
        "norm.weight",
        "norm.bias",
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
        "head.kernel",
        "head.bias",
    ]


def test_a_weight_that_two_layers_share_counts_once() -> None:
    shared = Dense(4)
    model = Sequential([shared, Dense(4)])
    model.build((None, 4))
    model.layers[1].kernel = shared.kernel
    assert len(model.get_weights()) == 3


def test_weights_that_do_not_fit_change_nothing() -> None:
    model = sequential()
    before = model.get_weights()
    with pytest.raises(ShapeError, match="has 4 weights, and set_weights got 1"):
        model.set_weights(before[:1])
    wrong = [np.zeros_like(before[0]), *before[1:3], np.zeros(9)]
    with pytest.raises(ShapeError, match=r"shape \(3,\), and set_weights got \(9,\) for it"):
        model.set_weights(wrong)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


# --- a module like any other -----------------------------------------------------------------


def test_a_model_is_a_torch_module() -> None:
    model = sequential()
    assert isinstance(model, nn.Module)
    assert model(torch.tensor(X)).requires_grad
    assert model.device == torch.device("cpu")
    assert Sequential([Dropout(0.5)]).device is None


def test_an_attribute_there_is_not_is_named_by_torch_as_always() -> None:
    with pytest.raises(AttributeError, match="'Sequential' object has no attribute 'weihgts'"):
        _ = sequential().weihgts


@kinds
def test_an_error_within_a_property_is_not_mistaken_for_a_missing_one(make: Any) -> None:
    """nn.Module turns an AttributeError inside a property into `no attribute`."""
    model = make()
    for name in ("optimizer", "metrics_names", "layers", "built", "described", "device"):
        getattr(model, name)
    assert model.optimizer is None
    assert model.metrics_names == []
    assert model.metric_direction("val_loss") is None


@kinds
def test_every_kind_of_model_learns(make: Any) -> None:
    torch.manual_seed(0)
    model = make()
    model.compile(optimizers.Adam(0.05), CLASSES, metrics=["acc"])
    history = model.fit(X, (X[:, 0] > 0).astype(int), epochs=30, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] / 2
    assert history["acc"][-1] > 0.8


def test_a_model_compiled_anew_forgets_its_optimizer() -> None:
    model = sequential()
    model.compile("adam", CLASSES)
    model.fit(X, Y, verbose=0)
    model.compile("sgd", CLASSES)
    assert type(model.optimizer) is optimizers.SGD
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize("argument", ["optimizer", "loss", "metrics"])
def test_a_misspelt_name_is_refused_by_compile_itself(argument: str) -> None:
    known = {"optimizer": "adam", "loss": "mse", "metrics": ["acc"]}
    wrong = {"optimizer": "addam", "loss": "msse", "metrics": ["accc"]}
    with pytest.raises(ArgumentError, match=r"is not known.*Did you mean"):
        sequential().compile(**{**known, argument: wrong[argument]})
