"""How layers and models are called: in which mode, with which arguments, under either name."""

import pickle
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from onfit import Input, Model, Sequential
from onfit.errors import ArgumentTypeError
from onfit.layers import Activation, Dense, Dropout, Layer, TorchModule

X = np.random.RandomState(0).randn(8, 4).astype("float32")
Y = X.sum(1, keepdims=True)


class Told(Layer):
    """Notes what it is told of the mode."""

    def __init__(self, **layer: Any) -> None:
        super().__init__(**layer)
        self.told: list[Any] = []

    def call(self, x: Tensor, training: Any = None) -> Tensor:
        self.told.append(training)
        return x


class Around(Layer):
    """A layer in a layer."""

    def __init__(self, inner: Layer) -> None:
        super().__init__()
        self.inner = inner

    def call(self, x: Tensor) -> Tensor:
        out: Tensor = self.inner(x)
        return out


class Owner(Model):
    """A model whose author calls the parts."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.head = inner, Dense(1, input_shape=(4,))

    def call(self, inputs: Tensor) -> Tensor:
        out: Tensor = self.head(self.inner(inputs))
        return out


def functional(inner: nn.Module) -> Model:
    x = Input((4,))
    return Model(x, Dense(1)(inner(x)))


FORMS = {
    "in a stack": lambda told: Sequential([Input((4,)), told, Dense(1)]),
    "in a graph": functional,
    "in a layer": lambda told: Sequential([Input((4,)), Around(Around(told)), Dense(1)]),
    "in a stack in a stack": lambda told: Sequential([Input((4,)), Sequential([told]), Dense(1)]),
    "in a stack in a graph": lambda told: functional(Sequential([told])),
    "in a subclass": Owner,
    "in a torch module": lambda told: Sequential(
        [Input((4,)), TorchModule(nn.Sequential(told)), Dense(1)]
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_layer_is_told_whether_this_is_training_at_any_depth(form: str) -> None:
    layer = Told()
    model = FORMS[form](layer)
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert layer.told[-1] is True
    model.evaluate(X, Y, verbose=0)
    assert layer.told[-1] is False
    model.train_on_batch(X, Y)
    assert layer.told[-1] is True
    model.predict(X, verbose=0)
    assert layer.told[-1] is False
    assert None not in layer.told


@pytest.mark.parametrize("form", FORMS)
def test_the_mode_that_a_call_asks_for_holds_inside_and_during_the_call_alone(form: str) -> None:
    layer = Told()
    model = FORMS[form](layer)
    model.eval()
    model(torch.from_numpy(X), training=True)
    assert layer.told[-1] is True
    assert not any(module.training for module in model.modules())
    model.train()
    model(torch.from_numpy(X), training=False)
    assert layer.told[-1] is False
    assert all(module.training for module in model.modules())


def test_no_mode_asked_for_is_the_mode_of_the_module() -> None:
    layer = Told()
    for call in (layer, Sequential([layer])):
        for training in (True, False):
            call.train(training)
            call(torch.ones(1, 4))
            call(torch.ones(1, 4), training=None)
            assert layer.told[-2:] == [training, training]


def test_the_mode_may_be_given_by_place() -> None:
    layer = Told().eval()
    layer(torch.ones(1, 4), True)
    layer(torch.ones(1, 4), None)
    assert layer.told == [True, False]


def test_layers_of_torch_and_of_onfit_hear_the_mode_of_a_call() -> None:
    x = torch.ones(1, 1000)
    for layer in (Dropout(0.5), TorchModule(nn.Dropout(0.5)), Sequential([Dropout(0.5)])):
        layer.eval()
        assert (layer(x, training=True) == 0).any()
        assert (layer(x) == x).all()
        layer.train()
        assert (layer(x, training=False) == x).all()


def test_the_inner_of_two_modes_asked_for_counts() -> None:
    class Fixed(Layer):
        def __init__(self, inner: Layer) -> None:
            super().__init__()
            self.inner = inner

        def call(self, x: Tensor) -> Any:
            return self.inner(x, training=False)

    layer = Told()
    Fixed(layer)(torch.ones(1, 4), training=True)
    assert layer.told == [False]


def test_a_mode_in_a_graph_holds_in_fit_and_predict_and_in_copies() -> None:
    x = Input((4,))
    model = Model(x, Dropout(0.5)(x, training=True))
    ones = np.ones((1, 4000), "float32").reshape(1000, 4)
    for each in (model, deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert (each.predict(ones, verbose=0) == 0).any()
    x = Input((4,))
    model = Model(x, Dropout(0.5)(x, training=False))
    assert (model(ones, training=True).numpy() == ones).all()


def test_an_error_in_a_call_leaves_the_modes_as_they_were() -> None:
    class Fails(Layer):
        def call(self, x: Tensor) -> Tensor:
            raise RuntimeError("no")

    layer = Fails()
    with pytest.raises(RuntimeError):
        layer(torch.ones(1, 4), training=False)
    assert layer.training


class Masked(Layer):
    """Multiplies by a mask."""

    def call(self, x: Tensor, mask: Any = None) -> Tensor:
        return x if mask is None else x * mask


def test_a_mask_is_given_to_a_call_that_takes_one() -> None:
    mask = torch.tensor([[1.0, 0.0]])
    assert Masked()(torch.ones(1, 2), mask=mask).tolist() == [[1, 0]]
    assert Masked()(torch.ones(1, 2), mask=None).tolist() == [[1, 1]]
    x, m = Input((2,)), Input((2,))
    model = Model([x, m], Masked()(x, mask=m))
    assert model([torch.ones(1, 2), mask]).tolist() == [[1, 0]]


def test_a_mask_for_a_computation_that_takes_none_is_an_error_with_the_name_of_the_layer() -> None:
    with pytest.raises(ArgumentTypeError, match=r"'squash' \(Dense\).*takes no mask"):
        Dense(2, name="squash")(torch.ones(1, 2), mask=torch.ones(1))
    assert Dense(2)(torch.ones(1, 2), mask=None).shape == (1, 2)


# --- two names for the computation -------------------------------------------------------------


def test_call_of_a_subclass_of_a_built_in_layer_computes() -> None:
    class Doubled(Dense):
        def call(self, x: Tensor) -> Tensor:
            out: Tensor = super().call(x)
            return 2 * out

    class Quadrupled(Doubled):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    once = Dense(1, kernel_initializer="ones")(torch.ones(1, 4))
    assert Doubled(1, kernel_initializer="ones")(torch.ones(1, 4)) == 2 * once
    assert Quadrupled(1, kernel_initializer="ones")(torch.ones(1, 4)) == 4 * once


def test_a_loss_sees_what_call_of_a_subclass_makes_of_the_last_layer() -> None:
    class Halved(Dense):
        def call(self, x: Tensor) -> Tensor:
            return 0.5 * Dense.call(self, x)

    model = Sequential([Halved(1, activation="sigmoid", input_shape=(4,))])
    model.compile("sgd", "binary_crossentropy")
    out = model.predict(X, verbose=0)
    expected = -np.log(1 - out).mean()
    assert model.evaluate(X, np.zeros((8, 1)), verbose=0) == pytest.approx(expected, rel=1e-5)


def test_call_of_a_subclass_of_a_model_computes() -> None:
    class Doubled(Sequential):
        def call(self, inputs: Tensor) -> Tensor:
            out: Tensor = super().call(inputs)
            return 2 * out

    model = Doubled([Dense(1, kernel_initializer="ones", input_shape=(4,))])
    assert model.predict(np.ones((1, 4)), verbose=0) == 8


def test_a_computation_mixed_in_counts_too() -> None:
    class Mixin:
        def call(self, x: Tensor) -> Tensor:
            return x + 1

    class Mixed(Mixin, Activation):
        pass

    assert Mixed("relu")(torch.ones(1)) == 2


# --- arrays ------------------------------------------------------------------------------------


def test_a_layer_takes_numpy_arrays() -> None:
    for x in (X, X.astype("float64")):
        out = Dense(2)(x)
        assert out.dtype == torch.float32
        assert out.shape == (8, 2)
    assert Sequential([Dense(2)])(X).shape == (8, 2)
