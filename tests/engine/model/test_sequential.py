from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from onfit.errors import ArgumentError, ArgumentTypeError, NotReadyError, ShapeError
from onfit.layers import Activation, Dense, Dropout, Flatten, Input
from onfit.models import Sequential

X = np.ones((4, 6), "float32")


# --- building --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layers",
    [
        [Dense(3, input_dim=6), Dense(2)],
        [Dense(3, input_shape=(6,)), Dense(2)],
        [Input(shape=(6,)), Dense(3), Dense(2)],
        [nn.Linear(6, 3), Dense(2, input_dim=3)],
    ],
    ids=["input_dim", "input_shape", "Input", "torch first"],
)
def test_weights_are_there_as_soon_as_the_shape_is_known(layers: Any) -> None:
    model = Sequential(layers)
    if not model.built:  # torch's own layers do not say what they take
        model.build((None, 6))
    assert model.output_shape == (None, 2)
    assert [weight.shape for weight in model.get_weights()][-2:] == [(3, 2), (2,)]
    assert model.count_params() == 6 * 3 + 3 + 3 * 2 + 2


def test_build_makes_the_weights_and_only_once() -> None:
    model = Sequential([Dense(3), Dense(2)])
    assert not model.built
    model.build((None, 6))
    weights = model.get_weights()
    model.build((None, 6))
    np.testing.assert_array_equal(model.get_weights()[0], weights[0])


def test_the_first_batch_builds() -> None:
    model = Sequential([Flatten(), Dense(2)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2, 3)), np.ones((4, 2)), verbose=0)
    assert model.input_shape == (None, 2, 3)
    assert model.output_shape == (None, 2)


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float64", "bool"])
def test_a_first_batch_of_any_type_builds(dtype: str) -> None:
    model = Sequential([Dense(2), nn.LayerNorm(2)])
    assert model.predict(X.astype(dtype), verbose=0).shape == (4, 2)


def test_whole_numbers_reach_an_embedding_as_such() -> None:
    model = Sequential([nn.Embedding(10, 4), Flatten(), Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.arange(12).reshape(4, 3) % 10, np.ones(4), verbose=0)
    assert model.output_shape == (None, 1)


def test_a_layer_added_later_is_built_at_once() -> None:
    model = Sequential([Dense(3, input_dim=6)])
    model.add(Dense(2))
    assert model.output_shape == (None, 2)
    model.pop()
    assert model.output_shape == (None, 3)
    assert len(model.layers) == 1
    assert len(model.get_weights()) == 2


def test_a_sequential_may_be_a_layer_of_another() -> None:
    inner = Sequential([Dense(3, input_dim=6), Dropout(0.5)])
    model = Sequential([inner, Dense(2)])
    model.build((None, 6))
    assert model.predict(X, verbose=0).shape == (4, 2)
    assert len(model.get_weights()) == 4


def test_an_unbuilt_model_says_how_to_build_it() -> None:
    model = Sequential([Dense(3)], name="tower")
    with pytest.raises(
        NotReadyError, match=r"'tower'.get_weights\(\).*input_shape=.*model.build\("
    ):
        model.get_weights()


# --- what is wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Dense, r"add\(\) takes a layer, and Dense is a class. Write Dense\(...\)"),
        (torch.relu, r"A function goes in layers.Activation\(function\)"),
        (3, r"takes an onfit layer or a torch module; got 3 of type builtins.int"),
    ],
)
def test_what_is_no_layer_is_named(found: Any, text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=text):
        Sequential([found])


def test_an_input_comes_first() -> None:
    with pytest.raises(ArgumentError, match="Input says what comes in: it must be the first"):
        Sequential([Dense(3, input_dim=6), Input(shape=(3,))])


def test_a_pop_too_many() -> None:
    with pytest.raises(ArgumentError, match="has no layer to take off"):
        Sequential().pop()


def test_two_layers_of_one_name_are_an_error() -> None:
    with pytest.raises(ArgumentError, match="cannot have a second layer called 'a'"):
        Sequential([Dense(3, name="a"), Dense(2, name="a")])


def test_a_layer_that_cannot_take_what_comes_is_named_when_building() -> None:
    with pytest.raises(ShapeError, match=r"layer 'Linear' \(Linear\) cannot take .*\(None, 3\)"):
        Sequential([Dense(3, input_dim=6), nn.Linear(5, 1)])


def test_a_layer_that_fails_is_named_in_a_note() -> None:
    class Picky(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(x) == 4:
                raise RuntimeError("not four")
            return x

    model = Sequential([Dense(3, input_dim=6), Picky()])
    with pytest.raises(RuntimeError, match="not four") as caught:
        model.predict(X, verbose=0)
    (note, *_) = caught.value.__notes__
    assert "Picky" in note
    assert "shape (4, 3)" in note


# --- names -----------------------------------------------------------------------------------


def test_layers_without_a_name_are_numbered_as_in_keras() -> None:
    model = Sequential([Dense(3, input_dim=6), Dense(3), Dropout(0.1), Dense(2, name="head")])
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "dropout", "head"]
    assert model.get_layer("head") is model.layers[3]
    assert model.get_layer(index=-2) is model.layers[2]


def test_a_layer_there_is_not() -> None:
    model = Sequential([Dense(3, input_dim=6), Dense(2, name="head")])
    with pytest.raises(ArgumentError, match=r"no such layer. It has dense, head. Did you mean 'he"):
        model.get_layer("haed")
    with pytest.raises(ArgumentError, match=r"get_layer\(index=2\): .* has 2 layers"):
        model.get_layer(index=2)


def test_a_summary_shows_layers_shapes_and_weights() -> None:
    model = Sequential([Dense(3, input_dim=6, trainable=False), Dense(2)], name="small")
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    for part in ("Model: small", "dense (Dense)", "(None, 3)", "21", "Total params: 29"):
        assert part in text
    assert "Trainable params: 8" in text
    assert "Non-trainable params: 21" in text


# --- the last activation ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [[Dense(3, "softmax")], [Dense(3), Activation("softmax")], [nn.Linear(6, 3), nn.Softmax(-1)]],
    ids=["inside", "apart", "torch"],
)
def test_the_last_activation_can_be_left_out_where_it_is_ours(head: Any) -> None:
    model = Sequential(head)
    model.build((None, 6))
    x = torch.tensor(X)
    ours = model.output_activations[0] is not None
    assert ours is not isinstance(head[-1], nn.Softmax)
    if ours:
        torch.testing.assert_close(model.logits(x).softmax(-1), model(x))


@pytest.mark.parametrize("layers", [(Dense(3), Dense(1)), (Dense(3),), ("dense",), (Input((6,)),)])
def test_layers_that_are_in_no_list_are_an_error_that_shows_the_brackets(layers: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"layers is a list.*Sequential\(\[\.\.\.\]\)"):
        Sequential(*layers)


def test_a_misspelt_argument_is_named_with_the_nearest():
    with pytest.raises(ArgumentTypeError, match=r"Sequential\(layer=.*Did you mean 'layers'"):
        Sequential(layer=[Dense(1)])
