"""Models with Python's operators and `onfit.ops` in their graphs, against Keras' own."""

import copy
import json
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.twin.keras_twin import (
    FEATURES,
    Script,
    assert_same,
    close,
    make_data,
    outcome,
    tolerant_of_keras,
)
from tests.twin.keras_twin import (
    KERAS as _KERAS,
)
from tests.twin.keras_twin import (
    ONFIT as _ONFIT,
)
from tests.twin.test_functional import model_of, sgd

from onfit import backend as K
from onfit import ops
from onfit.engine.model.cloning import clone_model
from onfit.engine.model.model import Model
from onfit.errors import ArgumentTypeError, FileFormatError
from onfit.layers import Add, Dense, Input, Lambda
from onfit.models import load_model
from onfit.saving.rebuild import model_from_json

pytestmark = tolerant_of_keras

DATA = make_data()
ONFIT = SimpleNamespace(**vars(_ONFIT), ops=ops)
KERAS = SimpleNamespace(**vars(_KERAS), ops=keras.ops)


def arithmetic(lib: Any) -> Any:
    x = lib.Input(shape=(FEATURES,))
    a, b = lib.layers.Dense(4, activation="tanh")(x), lib.layers.Dense(4)(x)
    y = 1 - a * 2 + b / (abs(a) + 3.0) - (-b) ** 2
    y = y + np.array([0.1, 0.2, 0.3, 0.4], "float32") % 3 + 2**a
    return _model(lib, x, lib.layers.Dense(1)(y))


def parts(lib: Any) -> Any:
    x = lib.Input(shape=(FEATURES,))
    a = lib.layers.Dense(4)(x)
    joined = lib.ops.concatenate([a[:, 1:3], a[..., :1], a[:, -1][:, None]], axis=-1)
    return _model(lib, x, lib.layers.Dense(1)(joined @ np.ones((4, 3), "float32")))


def comparisons(lib: Any) -> Any:
    x = lib.Input(shape=(FEATURES,))
    a, b = lib.layers.Dense(4)(x), lib.layers.Dense(4)(x)
    both = (a > b) & (a <= 0.5) | ~(b < 0)
    y = lib.ops.where(both, a, b * 0.5)
    return _model(lib, x, lib.layers.Dense(1)(y))


def functions(lib: Any) -> Any:
    x = lib.Input(shape=(FEATURES,))
    a = lib.layers.Dense(4)(x)
    mean = lib.ops.mean(a, axis=1, keepdims=True)
    scores = lib.ops.softmax(lib.ops.clip(a - mean, -1, 1), axis=-1)
    stacked = lib.ops.stack([scores, lib.ops.exp(-(a**2))], axis=1)
    both = lib.ops.reshape(lib.ops.transpose(stacked, (0, 2, 1)), (-1, 8))
    square = lib.ops.einsum("bi,bj->bij", a, a)
    more = lib.ops.sum(square, axis=(1, 2), keepdims=False)
    return _model(lib, x, lib.layers.Dense(1)(both) + lib.ops.expand_dims(more, -1) * 0.01)


def several_results(lib: Any) -> Any:
    x = lib.Input(shape=(FEATURES,))
    a = lib.layers.Dense(4)(x)
    left, right = lib.ops.split(a, 2, axis=-1)
    mean, variance = lib.ops.moments(a, axes=(1,), keepdims=True)
    return _model(lib, x, lib.layers.Dense(1)(left * right + mean - variance))


def among_layers_of_the_same_name(lib: Any) -> Any:
    x = lib.Input(shape=(FEATURES,))
    a = lib.layers.Dense(4)(x)
    b = lib.layers.Add()([a, a]) + a
    return _model(lib, x, lib.layers.Dense(1)(lib.layers.Concatenate()([b, a + 1])))


def _model(lib: Any, x: Any, y: Any) -> Any:
    return model_of(_ONFIT)(x, y) if lib is ONFIT else keras.Model(x, y)


GRAPHS = {
    each.__name__: each
    for each in (
        arithmetic,
        parts,
        comparisons,
        functions,
        several_results,
        among_layers_of_the_same_name,
    )
}


def same_start(build: Script) -> tuple[Any, Any]:
    reference, model = build(KERAS), build(ONFIT)
    draw = np.random.default_rng(0)
    weights = [draw.normal(size=w.shape, scale=0.4) for w in reference.get_weights()]
    reference.set_weights(weights)
    model.set_weights(weights)
    return reference, model


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_of_operators_learns_as_in_keras(name: str) -> None:
    reference, model = same_start(GRAPHS[name])
    outcomes = []
    for lib, each in ((_KERAS, reference), (_ONFIT, model)):
        each.compile(optimizer=sgd(lib), loss="mse")
        outcomes.append(outcome(each, DATA.x, DATA.real))
    assert_same(*outcomes)


@pytest.mark.parametrize("name", GRAPHS)
def test_keras_opens_the_file_of_such_a_model(name: str, tmp_path: Path) -> None:
    _, model = same_start(GRAPHS[name])
    model.save(tmp_path / "model.keras")
    opened = keras.models.load_model(tmp_path / "model.keras")
    close(opened.predict(DATA.x, verbose=0), model.predict(DATA.x, verbose=0))


@pytest.mark.parametrize("name", GRAPHS)
def test_a_file_of_keras_opens(name: str, tmp_path: Path) -> None:
    reference, _ = same_start(GRAPHS[name])
    reference.save(tmp_path / "model.keras")
    opened = load_model(tmp_path / "model.keras")
    close(opened.predict(DATA.x, verbose=0), reference.predict(DATA.x, verbose=0))
    listed = [[type(layer).__name__ for layer in each.layers] for each in (opened, reference)]
    assert listed[0] == listed[1]
    assert [layer.name for layer in opened.operations] == [
        part.name for part in reference.operations
    ]


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("name", GRAPHS)
def test_a_model_with_operators_comes_back(name: str, suffix: str, tmp_path: Path) -> None:
    _, model = same_start(GRAPHS[name])
    model.save(tmp_path / f"model.{suffix}")
    opened = load_model(tmp_path / f"model.{suffix}")
    expected = model.predict(DATA.x, verbose=0)
    np.testing.assert_array_equal(opened.predict(DATA.x, verbose=0), expected)


@pytest.mark.parametrize("name", GRAPHS)
def test_copies_compute_the_same(name: str) -> None:
    _, model = same_start(GRAPHS[name])
    expected = model.predict(DATA.x, verbose=0)
    again = model_from_json(model.to_json())
    clone = clone_model(model)
    for each in (again, clone):
        each.set_weights(model.get_weights())
    for each in (again, clone, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(each.predict(DATA.x, verbose=0), expected)


def test_a_summary_lists_computations_and_the_layers_do_not() -> None:
    model = arithmetic(ONFIT)
    text: list[str] = []
    model.summary(print_fn=text.append)
    assert "absolute (Absolute)" in "\n".join(text)
    assert {type(layer).__name__ for layer in model.layers} == {"InputLayer", "Dense"}
    described = json.loads(model.to_json())["config"]["layers"]
    modules = {each["module"] for each in described if each["class_name"] == "Subtract"}
    assert modules == {"keras.src.ops.numpy"}


def test_a_computation_that_is_not_here_is_named(tmp_path: Path) -> None:
    x = keras.Input((3,))
    keras.Model(x, keras.ops.cbrt(x)).save(tmp_path / "model.keras")
    with pytest.raises(FileFormatError, match=r"Cbrt, which onfit.ops has not\. .*Lambda"):
        load_model(tmp_path / "model.keras")


def test_a_tensor_may_stand_on_the_left() -> None:
    x = Input((3,))
    y = Model(x, torch.ones(3) - x)
    z = Model(x, torch.ones(3, 3) @ Lambda(lambda x: x.T)(x))
    assert y(torch.ones(2, 3)).tolist() == [[0.0] * 3] * 2
    assert z(torch.ones(2, 3)).shape == (3, 2)


def test_whole_quotients_are_those_of_numbers() -> None:
    x = Input((2,))
    model = Model(x, [x // 2, 7 // x, x % 2])
    found = [each.tolist() for each in model(torch.tensor([[3.0, -3.0]]))]
    assert found == [[[1.0, -2.0]], [[2.0, -3.0]], [[1.0, 1.0]]]


def test_what_symbols_cannot_do_says_what_to_write() -> None:
    x = Input((3,))
    with pytest.raises(ArgumentTypeError, match=r"onfit\.ops\.exp\(x\) does so"):
        torch.exp(x)  # type: ignore[call-overload]
    with pytest.raises(ArgumentTypeError, match=r"no values yet to walk over.*unstack"):
        list(x)
    with pytest.raises(ArgumentTypeError, match="neither true nor false"):
        bool(x > 1)


# --- K.function, and losses of symbols ---------------------------------------------------------


def test_a_function_computes_symbols_within_a_model() -> None:
    x = Input((3,))
    hidden = Dense(4)(x)
    model = Model(x, Dense(1)(hidden))
    compute = K.function([model.input], [hidden, model.output])
    first, last = compute([np.ones((2, 3))])
    assert (first.shape, last.shape) == ((2, 4), (2, 1))
    np.testing.assert_allclose(last, model.predict(np.ones((2, 3)), verbose=0), rtol=1e-6)
    assert K.function(model.input, hidden)(np.ones((2, 3))).shape == (2, 4)


def variational() -> Model:
    x = Input((FEATURES,))
    hidden = Dense(4)(x)
    mean, deviation = Dense(2)(hidden), Dense(2)(hidden)
    found = Dense(FEATURES)(mean)
    model = Model(x, found)
    divergence = -0.5 * K.sum(1 + deviation - K.square(mean) - K.exp(deviation), axis=-1)
    model.add_loss(K.mean(K.mean(K.square(x - found), axis=-1) + divergence))
    return model


def loss_by_hand(model: Model, x: Any) -> Any:
    hidden, mean, deviation, found = (each for each in model.operations if isinstance(each, Dense))
    h = hidden(torch.as_tensor(x))
    m, d = mean(h), deviation(h)
    divergence = -0.5 * (1 + d - m.square() - d.exp()).sum(-1)
    return ((torch.as_tensor(x) - found(m)).square().mean(-1) + divergence).mean()


def dense(units: int, name: str) -> Dense:
    return Dense(units, name=name)


def test_a_loss_of_symbols_is_lowered(tmp_path: Path) -> None:
    model = variational()
    model.compile(optimizer="adam")
    expected = loss_by_hand(model, DATA.x).item()
    assert model.evaluate(DATA.x, verbose=0) == pytest.approx(expected, rel=1e-5)
    history = model.fit(DATA.x, epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]
    expected = model.evaluate(DATA.x, verbose=0)
    model.save(tmp_path / "model.keras")
    for each in (load_model(tmp_path / "model.keras"), copy.deepcopy(model)):
        each.compile(optimizer="adam")
        assert each.evaluate(DATA.x, verbose=0) == pytest.approx(expected, rel=1e-6)


def test_a_loss_of_symbols_stands_beside_that_of_compile() -> None:
    x = Input((FEATURES,))
    y = Dense(1)(x)
    model = Model(x, Add()([y, y]))
    model.add_loss(K.mean(K.square(y)))
    model.compile(optimizer="sgd", loss="mse")
    found = model.evaluate(DATA.x, DATA.real, verbose=0, batch_size=len(DATA.x))
    y = model.predict(DATA.x, verbose=0)
    expected = np.mean((y - DATA.real) ** 2) + np.mean((y / 2) ** 2)
    assert found == pytest.approx(float(expected), rel=1e-5)


def test_a_metric_of_symbols_says_where_metrics_go() -> None:
    x = Input((3,))
    model = Model(x, Dense(1)(x))
    with pytest.raises(ArgumentTypeError, match=r"Give compile\(metrics=\[\.\.\.\]\)"):
        model.add_metric(K.mean(model.output), name="mean")
