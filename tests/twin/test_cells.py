"""Cells, and the layer that walks with them, against Keras' own: the same weights give the same."""

from typing import Any

import numpy as np
import pytest
from tests.twin.keras_twin import KERAS, ONFIT, Script, close, tolerant_of_keras
from tests.twin.test_layers import amidst, assert_trained_alike, inputs, sgd

pytestmark = tolerant_of_keras

X = np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 0, 0, 0], [0, 1, 0, 1, 1, 0], [1] * 6], bool)

CELLS: dict[str, Script] = {
    "simple": lambda lib: lib.layers.SimpleRNNCell(3, activation="relu", use_bias=False),
    "lstm": lambda lib: lib.layers.LSTMCell(3),
    "gru": lambda lib: lib.layers.GRUCell(3, activation="elu"),
    "gru, reset before": lambda lib: lib.layers.GRUCell(3, reset_after=False),
    "two": lambda lib: [lib.layers.LSTMCell(3), lib.layers.GRUCell(2)],
    "stacked": lambda lib: lib.layers.StackedRNNCells([lib.layers.SimpleRNNCell(3)] * 1),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "last": {},
    "all": {"return_sequences": True, "return_state": True},
    "backwards": {"go_backwards": True, "return_sequences": True, "zero_output_for_mask": True},
}


def numbers(found: Any) -> list[Any]:
    """The arrays in tensors, in lists of tensors."""
    if isinstance(found, (list, tuple)):
        return [array for each in found for array in numbers(each)]
    return [found.detach().cpu().numpy()]


def same_weights(reference: Any, layer: Any) -> None:
    draw = np.random.default_rng(1)
    weights = [draw.normal(size=w.shape, scale=0.4) for w in reference.get_weights()]
    assert [w.shape for w in weights] == [w.shape for w in layer.get_weights()]
    reference.set_weights(weights)
    layer.set_weights(weights)


@pytest.mark.parametrize("mask", [None, MASK], ids=["", "masked"])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_walk_gives_what_it_gives_in_keras(cell: str, options: str, mask: Any) -> None:
    reference, layer = (lib.layers.RNN(CELLS[cell](lib), **OPTIONS[options]) for lib in BOTH)
    reference(X), layer(X)
    same_weights(reference, layer)
    given = {} if mask is None else {"mask": mask}
    theirs, ours = numbers(reference(X, **given)), numbers(layer(X, **given))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        close(one, other)


BOTH = (KERAS, ONFIT)


@pytest.mark.parametrize("cell", CELLS)
def test_it_learns_as_in_keras(cell: str) -> None:
    layer = amidst((5, 4), lambda lib: lib.layers.RNN(CELLS[cell](lib)))
    assert_trained_alike(layer, inputs((5, 4)), sgd)


def test_it_learns_in_both_directions_as_in_keras() -> None:
    def build(lib: Any) -> Any:
        walk = lib.layers.RNN(lib.layers.GRUCell(3), return_sequences=True)
        return lib.layers.Bidirectional(walk, merge_mode="ave")

    assert_trained_alike(amidst((5, 4), build), inputs((5, 4)), sgd)


@pytest.mark.parametrize("kind", ["SimpleRNNCell", "LSTMCell", "GRUCell"])
def test_a_step_gives_what_it_gives_in_keras(kind: str) -> None:
    reference, cell = (getattr(lib.layers, kind)(3) for lib in BOTH)
    assert cell.state_size == reference.state_size
    assert cell.output_size == reference.output_size
    states = np.random.default_rng(2).normal(size=(2, 3, 3)).astype("float32")[: cell.states]
    reference(X[:, 0], list(states)), cell(X[:, 0], list(states))
    same_weights(reference, cell)
    theirs = numbers(reference(X[:, 0], list(states)))
    for one, other in zip(numbers(cell(X[:, 0], list(states))), theirs, strict=True):
        close(one, other)
