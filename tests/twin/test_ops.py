"""Every computation of `onfit.ops` against Keras' own: its values, and its place in files."""

import importlib
import inspect
import warnings
from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.twin.keras_twin import tolerant_of_keras

from onfit import backend as K
from onfit import ops, random
from onfit.layers.shapes import mapped
from onfit.operations import COMPUTATIONS

# torch deprecates how Keras turns tensors around, and numpy how its tensors become arrays.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*Tensor.T is deprecated.*:UserWarning"),
    pytest.mark.filterwarnings("ignore:The use of `x.T`.*:UserWarning"),
    tolerant_of_keras,
]

DRAW = np.random.default_rng(3)
X = DRAW.uniform(0.1, 0.9, size=(2, 3, 4)).astype("float32")
Y = DRAW.uniform(0.1, 0.9, size=(2, 3, 4)).astype("float32")
WHOLE = np.array([[2, 0, 1], [1, 1, 0]])
SQUARE = np.array([[2.0, 0.5], [0.5, 3.0]], "float32")

# The arguments of each computation that does not take one tensor, or two of one shape.
CALLS: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "append": [((X, Y), {}), ((X, Y), {"axis": 1})],
    "argmax": [((X,), {}), ((X,), {"axis": -1, "keepdims": True})],
    "argsort": [((X,), {"axis": 1}), ((X,), {"axis": None})],
    "average": [((X,), {"axis": 1}), ((X,), {"axis": -1, "weights": np.float32([1, 2, 3, 4])})],
    "binary_crossentropy": [
        ((np.float32(X > 0.5), Y), {}),
        ((np.float32(X > 0.5), Y), {"from_logits": True}),
    ],
    "broadcast_to": [((X[:, :1], (2, 5, 4)), {})],
    "cast": [((X, "int32"), {}), ((WHOLE, "bool"), {})],
    "categorical_crossentropy": [((Y, X), {}), ((Y, X), {"from_logits": True, "axis": 1})],
    "cholesky": [((SQUARE,), {}), ((SQUARE,), {"upper": True})],
    "clip": [((X, 0.3, 0.6), {}), ((X, Y / 2, Y), {})],
    "concatenate": [(([X, Y],), {}), (([X, Y],), {"axis": -1})],
    "cumprod": [((X,), {}), ((X,), {"axis": 1})],
    "cumsum": [((X,), {}), ((X,), {"axis": -1})],
    "det": [((SQUARE,), {})],
    "diag": [((SQUARE,), {}), ((X[0, 0],), {"k": 1})],
    "diagonal": [((X,), {"axis1": 1, "axis2": 2})],
    "divide_no_nan": [((X, np.float32(WHOLE[:, :, None])), {})],
    "dot": [((X, Y[0].T), {}), ((X, Y[0, 0]), {})],
    "einsum": [(("bij,bkj->bik", X, Y), {}), (("bij,bij->b", X, Y), {})],
    "elu": [((X - 0.5,), {"alpha": 0.7})],
    "expand_dims": [((X, 1), {}), ((X, (0, -1)), {})],
    "flip": [((X,), {}), ((X,), {"axis": 1})],
    "full_like": [((X, 2), {})],
    "gelu": [((X,), {}), ((X,), {"approximate": False})],
    "get_item": [((X, (slice(None), 0)), {})],
    "inner": [((X[0], Y[0]), {})],
    "inv": [((SQUARE,), {})],
    "isclose": [((X, X + 1e-7), {})],
    "leaky_relu": [((X - 0.5,), {"negative_slope": 0.1})],
    "matmul": [((X, np.swapaxes(Y, 1, 2)), {})],
    "max": [((X,), {"axis": (0, 2)}), ((X,), {"axis": 1, "initial": 0.7})],
    "mean": [((X,), {}), ((X,), {"axis": [1, 2], "keepdims": True}), ((WHOLE,), {})],
    "min": [((X,), {"axis": 0}), ((X,), {"axis": 1, "initial": 0.2})],
    "moments": [((X, (0, 1)), {}), ((X, 1), {"keepdims": True})],
    "moveaxis": [((X, 0, -1), {})],
    "multi_hot": [((WHOLE, 3), {})],
    "nan_to_num": [((np.float32([np.nan, np.inf, 1]),), {"posinf": 9.0})],
    "norm": [((X,), {}), ((X,), {"axis": 1, "ord": 1, "keepdims": True})],
    "normalize": [((X,), {}), ((X,), {"axis": 1, "order": 1})],
    "one_hot": [((WHOLE, 3), {}), ((WHOLE, 4), {"axis": 1})],
    "outer": [((X[0], Y[0]), {})],
    "pad": [
        ((X, ((0, 0), (1, 2), (3, 0))), {}),
        ((X, ((1, 1),) * 3), {"constant_values": 2}),
        ((X, ((0, 0), (0, 0), (1, 2))), {"mode": "reflect"}),
    ],
    "prod": [((X,), {}), ((X,), {"axis": (0, -1), "keepdims": True})],
    "quantile": [
        ((X, 0.3), {}),
        ((X, 0.3), {"axis": (0, 1), "keepdims": True}),
        ((X, [0.3, 0.6]), {"axis": (0, 2), "keepdims": True}),
        ((X[None, None], 0.3), {"axis": (0, 2, 4), "keepdims": True}),
        ((X, 0.3), {"keepdims": True}),
    ],
    "median": [((X,), {}), ((X,), {"axis": 1, "keepdims": True})],
    "repeat": [((X, 2), {}), ((X, 3), {"axis": 1})],
    "reshape": [((X, (2, -1)), {})],
    "roll": [((X, 1), {}), ((X, 2), {"axis": 1})],
    "round": [((X,), {}), ((X,), {"decimals": 1})],
    "slice": [((X, (0, 1, 2), (2, 1, 2)), {})],
    "softmax": [((X,), {}), ((X,), {"axis": 1}), ((X,), {"axis": (1, 2)})],
    "log_softmax": [((X,), {}), ((X,), {"axis": (1, 2)})],
    "solve": [((SQUARE, SQUARE), {})],
    "sparse_categorical_crossentropy": [
        ((WHOLE, X), {}),
        ((WHOLE[..., None], X), {"from_logits": True}),
    ],
    "split": [((X, 3), {"axis": 1}), ((X, [1, 3]), {"axis": 2})],
    "squeeze": [((X[:1],), {}), ((X[:, :1],), {"axis": 1})],
    "stack": [(([X, Y],), {}), (([X, Y],), {"axis": 1})],
    "hstack": [(([X, Y],), {})],
    "vstack": [(([X, Y],), {})],
    "sum": [((X,), {}), ((X,), {"axis": (1, 2)}), ((X,), {"axis": 0, "keepdims": True})],
    "swapaxes": [((X, 0, 2), {})],
    "take": [((X, [1, -1]), {"axis": 1}), ((X, WHOLE), {})],
    "take_along_axis": [((X, np.argsort(X, 1)), {"axis": 1})],
    "tensordot": [((X, Y), {"axes": ([1, 2], [1, 2])}), ((X, Y[0].T), {"axes": 1})],
    "tile": [((X, (1, 2, 1)), {}), ((X, 2), {})],
    "top_k": [((X, 2), {})],
    "trace": [((X,), {"axis1": 1, "axis2": 2})],
    "transpose": [((X,), {}), ((X, (0, 2, 1)), {})],
    "tril": [((X,), {"k": 1})],
    "unstack": [((X,), {"axis": 1})],
    "where": [((X > 0.5, X, Y), {}), ((X > 0.5, X, 0.0), {}), ((True, X, 0.0), {})],
    "arccosh": [((X + 1,), {})],
    "power": [((X, 2), {}), ((2.0, X), {})],
}
CASES = [
    (name, args, kwargs)
    for name, entry in COMPUTATIONS.items()
    for args, kwargs in CALLS.get(name, [((X, Y)[: len(entry.given)], {})])
]


def arrays_of(found: Any) -> list[Any]:
    if isinstance(found, (list, tuple)):
        return [array for part in found for array in arrays_of(part)]
    return [np.asarray(found.detach())]


@pytest.mark.parametrize(("name", "args", "kwargs"), CASES, ids=[case[0] for case in CASES])
def test_a_computation_gives_what_keras_gives(name: str, args: Any, kwargs: Any) -> None:
    theirs = importlib.import_module("keras.src.ops.numpy") if name == "get_item" else keras.ops
    tensors, options = mapped(torch.as_tensor, np.ndarray, (args, kwargs))
    expected = arrays_of(getattr(theirs, name)(*tensors, **options))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = arrays_of(getattr(ops, name)(*args, **kwargs))
    assert len(found) == len(expected)
    for ours, reference in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, reference, rtol=2e-5, atol=1e-6)
        assert ours.dtype.kind == reference.dtype.kind


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_a_computation_has_the_class_and_the_arguments_that_keras_files_name(name: str) -> None:
    entry = COMPUTATIONS[name]
    module = importlib.import_module(f"keras.src.ops.{entry.home}")
    kind = getattr(module, entry.class_name)
    assert kind.__module__ == module.__name__
    made, called = (
        [each for each in inspect.signature(method).parameters if each not in ("self", "kwargs")]
        for method in (kind.__init__, kind.call)
    )
    options = set(inspect.signature(entry.function).parameters) - {*entry.given}
    assert tuple(called) == entry.given
    assert options <= {*made}


@pytest.mark.parametrize(
    "name", sorted({*ops.__all__} & {*dir(keras.ops)} - {"einsum", "multi_hot"})
)
def test_arguments_come_in_keras_order(name: str) -> None:
    theirs = list(inspect.signature(getattr(keras.ops, name)).parameters)
    ours = list(inspect.signature(getattr(ops, name)).parameters)
    assert ours == theirs[: len(ours)] or name == "linspace"  # which has no retstep


def test_numbers_arrays_and_tensors_may_be_mixed() -> None:
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert ops.add(2, x).dtype == torch.float64
    assert ops.maximum(0.1, x - 1).tolist() == [0.1, 1.0]
    assert ops.multiply(x, np.float32([2, 3])).tolist() == [2.0, 6.0]
    assert ops.exp(0).item() == 1.0
    assert ops.mean(x=[1, 2]).item() == 1.5


def test_what_is_made_is_what_keras_makes() -> None:
    for name, args in {
        "arange": (2, 9, 3),
        "eye": (3, 4, 1),
        "full": ((2, 3), 7),
        "identity": (3,),
        "linspace": (0, 1, 5, False),
        "ones": ((2, 3),),
        "zeros": ((2, 3), "int32"),
    }.items():
        expected = keras.ops.convert_to_numpy(getattr(keras.ops, name)(*args))
        np.testing.assert_allclose(getattr(ops, name)(*args), expected)


def test_loops_and_conditions_compute() -> None:
    assert ops.while_loop(lambda n: n < 5, lambda n: n + 2, 0) == 6
    assert ops.while_loop(lambda n, m: True, lambda n, m: (n + 1, m), (0, 1), 3) == (3, 1)
    assert ops.fori_loop(0, 4, lambda i, total: total + i, 10) == 16
    assert ops.cond(torch.tensor(True), lambda: 1, lambda: 2) == 1
    assert ops.map(lambda row: row.sum(), torch.ones(2, 3)).tolist() == [3.0, 3.0]
    assert ops.vectorized_map(lambda row: row.sum(), np.ones((2, 3))).tolist() == [3.0, 3.0]


# --- random numbers ----------------------------------------------------------------------------

DRAWN: dict[str, tuple[Any, ...]] = {
    "normal": ((2, 3), 1.0, 2.0),
    "truncated_normal": ((2, 3), 1.0, 2.0),
    "uniform": ((2, 3), -1.0, 2.0),
    "randint": ((2, 3), 4, 9),
    "categorical": (np.float32([[0, 1, 2], [2, 1, 0]]), 5),
    "shuffle": (X, 1),
    "dropout": (X, 0.4),
    "gamma": ((2, 3), 2.0),
    "beta": ((2, 3), 2.0, 3.0),
    "binomial": ((2, 3), 5.0, 0.3),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_seed_draws_what_it_draws_in_keras(name: str) -> None:
    args = DRAWN[name]
    theirs = (torch.as_tensor(args[0]), *args[1:]) if name == "dropout" else args
    ours, seeds = random.SeedGenerator(7), keras.random.SeedGenerator(7)
    for seed, reference in ((5, 5), (ours, seeds), (ours, seeds)):
        expected = getattr(keras.random, name)(*theirs, seed=reference)
        found = getattr(random, name)(*args, seed=seed)
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("name", DRAWN)
def test_without_a_seed_numbers_come_from_torchs_generator(name: str) -> None:
    def drawn() -> Any:
        return getattr(random, name)(*DRAWN[name])

    torch.manual_seed(3)
    first, second = drawn(), drawn()
    torch.manual_seed(3)
    assert torch.equal(first, drawn())
    assert torch.equal(second, drawn())


# --- Keras 2's backend -------------------------------------------------------------------------


def test_the_backend_has_the_arguments_of_keras_2() -> None:
    assert K.concatenate([X, Y]).shape == (2, 3, 8)
    assert K.argmax(X).shape == (2, 3)
    assert K.expand_dims(X).shape == (2, 3, 4, 1)
    assert K.batch_dot(X, np.swapaxes(Y, 1, 2)).shape == (2, 3, 3)
    assert K.batch_dot(torch.ones(2, 3), torch.ones(2, 3)).tolist() == [[3.0], [3.0]]
    assert K.batch_dot(torch.ones(2, 3, 4), torch.ones(2, 4), axes=(2, 1)).shape == (2, 3)
    assert K.batch_flatten(torch.ones(2, 3, 4)).shape == (2, 12)
    assert K.permute_dimensions(X, (0, 2, 1)).shape == (2, 4, 3)
    assert K.relu(torch.tensor([-1.0, 9.0]), 0.5, 6.0).tolist() == [-0.5, 6.0]
    assert K.repeat(torch.ones(2, 3), 4).shape == (2, 4, 3)
    assert K.eval(K.zeros((2,))).tolist() == [0.0, 0.0]
    assert K.int_shape(X) == (2, 3, 4)
    assert K.gather(X, [1]).shape == (1, 3, 4)
    assert K.switch(torch.tensor(True), lambda: 1.0, lambda: 2.0).item() == 1.0
    assert K.constant(2, shape=(2,)).tolist() == [2, 2]
    np.testing.assert_allclose(K.l2_normalize(X, 1).square().sum(1), 1, rtol=1e-5)
