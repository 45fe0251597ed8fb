"""The forms in which arrays come: pandas, lists and dicts; and what is no data."""

from collections import UserDict
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from tests.engine.data.data_forms import (
    Pairs,
    Rows,
    Stream,
    X,
    Y,
    batches_of,
    endless,
    epochs_of,
    identity,
    linear,
    two_in_two_out,
)
from torch.utils.data import DataLoader, TensorDataset

from onfit.core import Callback
from onfit.engine.data.arrays import Names, samples_of
from onfit.engine.data.dataset_source import DatasetSource
from onfit.engine.data.steps_source import StepsSource
from onfit.errors import DataError
from onfit.layers import Dense, Input
from onfit.models import Model, Sequential

# --- pandas ----------------------------------------------------------------------------------


def test_a_frame_and_a_series_train_as_their_arrays_do() -> None:
    frame = pd.DataFrame({"a": range(10), "b": np.linspace(0, 1, 10)})
    target = pd.Series(np.arange(10.0), index=range(100, 110))
    histories = []
    for x, y in ((frame, target), (frame.to_numpy(), target.to_numpy())):
        torch.manual_seed(0)
        model = Sequential([Dense(1, input_dim=2)])
        model.compile("adam", "mse")
        weight = pd.Series(np.arange(10))
        history = model.fit(x, y, sample_weight=weight, validation_split=0.2, epochs=2, verbose=0)
        histories.append(history.history)
        assert model.predict(x, verbose=0).shape == (10, 1)
    assert histories[0] == histories[1]


def test_columns_of_several_types_become_floats() -> None:
    frame = pd.DataFrame({"yes": [True, False], "size": [1.5, 2.0]})
    assert samples_of(frame).x.tolist() == [[1.0, 1.5], [0.0, 2.0]]


def test_a_missing_value_of_a_whole_number_is_nan() -> None:
    column = pd.Series([1, None], dtype="Int64")
    values = samples_of(column).x
    assert values[0] == 1
    assert values[1].isnan()


def test_columns_that_are_no_numbers_are_named() -> None:
    frame = pd.DataFrame({"size": [1.5], "colour": ["red"], "day": pd.to_datetime(["2024-01-01"])})
    with pytest.raises(DataError, match=r"x has columns that hold no numbers: colour, day\. Leave"):
        linear().fit(frame, [1.0], verbose=0)
    with pytest.raises(DataError, match="y has columns that hold no numbers: colour"):
        linear().fit([[1.0]], frame["colour"], verbose=0)


def test_columns_of_a_frame_are_inputs_by_name() -> None:
    frame = pd.DataFrame({"a": np.arange(10.0), "b": np.ones(10)})
    targets = {"sum": frame["a"] + 1, "product": frame["a"]}
    model = two_in_two_out()
    history = model.fit(dict(frame), targets, epochs=3, verbose=0)
    assert list(history.history) == ["loss", "sum_loss", "product_loss"]
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_a_series_is_the_one_input_of_a_model_that_takes_one_number() -> None:
    assert identity().predict(pd.Series([1.0, 2.0]), verbose=0).tolist() == [[1.0], [2.0]]


# --- an axis of length one that was left out -------------------------------------------------


def test_the_last_axis_may_be_left_out_where_it_has_length_one() -> None:
    model = identity()
    assert model.evaluate(X[:, 0], Y[:, 0], verbose=0) == 0.0
    assert model.predict(DataLoader(torch.arange(4.0), 2), verbose=0).shape == (4, 1)
    images = Input((2, 2, 1))
    flat = Model(images, Dense(1, kernel_initializer="ones")(images))
    assert flat.predict(np.ones((3, 2, 2)), verbose=0).shape == (3, 2, 2, 1)


def test_no_axis_is_added_where_none_is_missing() -> None:
    shapes = Names(["x"], ("output",), [(None, 1)])
    assert samples_of(X, names=shapes).x.shape == (10, 1)
    assert samples_of(X[:, 0], names=Names(["x"], ("output",), [(None, 3)])).x.shape == (10,)
    assert samples_of(X[:, 0], names=Names(["x"], ("output",), [None])).x.shape == (10,)


# --- several inputs, outputs and weights -----------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([X, X + 1], [Y, Y * 2]),
        ((X, X + 1), (Y, Y * 2)),
        ({"b": X + 1, "a": X}, {"product": Y * 2, "sum": Y}),
        (UserDict(b=X + 1, a=X), UserDict(product=Y * 2, sum=Y)),
    ],
    ids=["lists", "tuples", "dicts", "mappings"],
)
def test_several_inputs_and_outputs_come_in_order_or_by_name(x: Any, y: Any) -> None:
    samples = samples_of(x, y, names=Names(("a", "b"), ("sum", "product")))
    assert [part[1].item() for part in samples.x] == [1.0, 2.0]
    assert [part[1].item() for part in samples.y] == [1.0, 2.0]
    model = two_in_two_out()
    model.fit(x, y, validation_data=(x, y), verbose=0)
    model.train_on_batch(x, y)
    assert len(model.predict(x, verbose=0)) == 2


def test_a_net_of_ones_own_takes_the_names_of_any_mapping() -> None:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(1, 1)

        def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            return left - right

    outputs = Model(Net()).predict(UserDict(right=X, left=X + 3), verbose=0)
    assert set(outputs.flatten().tolist()) == {3.0}


def loss_of(weight: Any) -> tuple[float, float]:
    """What the two outputs lose when both are zero."""
    model = two_in_two_out()
    for parameter in model.parameters():
        parameter.data.zero_()
    found = model.evaluate([X, X], [Y, Y], sample_weight=weight, verbose=0, return_dict=True)
    return found["sum_loss"], found["product_loss"]


def test_each_output_may_have_weights_of_its_own() -> None:
    plain = loss_of(None)
    none, twice = np.zeros(10), np.full(10, 2)
    assert loss_of([none, twice]) == (0.0, 2 * plain[1])
    assert loss_of((none, twice)) == (0.0, 2 * plain[1])
    assert loss_of({"product": twice, "sum": none}) == (0.0, 2 * plain[1])
    assert loss_of(twice) == (2 * plain[0], 2 * plain[1])
    assert loss_of(twice.tolist()) == (2 * plain[0], 2 * plain[1])


def test_an_output_without_weights_counts_fully() -> None:
    plain = loss_of(None)
    twice = np.full(10, 2)
    assert loss_of([None, twice]) == (plain[0], 2 * plain[1])
    assert loss_of({"sum": twice}) == (2 * plain[0], plain[1])
    assert loss_of([None, None]) == plain


def test_weights_by_output_go_through_fit_and_validation() -> None:
    model = two_in_two_out()
    seen: list[Any] = []

    class Look(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            seen.extend(self.validation_data or [])

    weight = {"sum": np.ones(10)}
    model.fit(
        [X, X],
        [Y, Y],
        sample_weight=weight,
        validation_data=([X, X], [Y, Y], weight),
        callbacks=[Look()],
        verbose=0,
    )
    assert [(type(part), part.shape) for part in seen] == [
        *[(np.ndarray, (10, 1))] * 4,
        *[(np.ndarray, (10,))] * 2,
    ]


def test_weights_for_an_output_that_is_none_are_an_error() -> None:
    with pytest.raises(DataError, match=r"a dict of smu; the model's outputs are sum, product\. "):
        two_in_two_out().fit([X, X], [Y, Y], sample_weight={"smu": Y[:, 0]}, verbose=0)


def test_weights_of_another_length_are_an_error() -> None:
    with pytest.raises(DataError, match=r"sample_weight\[1\] has 3 samples"):
        two_in_two_out().fit([X, X], [Y, Y], sample_weight=[None, np.ones(3)], verbose=0)


# --- wrong forms -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("data.csv", r"x holds <U8 values; training takes numbers.*begins 'data\.csv'"),
        (endless, r"x is the function endless, not what it returns: call endless\(\)"),
        ([[endless]], "x holds object values"),
        (3, "x is a single number"),
    ],
    ids=["text", "function", "functions", "number"],
)
def test_what_is_no_data_is_said_so(given: Any, text: str) -> None:
    for method in ("fit", "evaluate"):
        with pytest.raises(DataError, match=text):
            getattr(linear(), method)(given, Y, verbose=0)
    with pytest.raises(DataError, match=text):
        linear().predict(given, verbose=0)


def test_a_sparse_matrix_is_written_out_first() -> None:
    class Sparse:
        def toarray(self) -> Any:
            return X

    with pytest.raises(DataError, match=r"x is a sparse matrix\. Write out its zeros: x\.toarray"):
        linear().fit(Sparse(), Y, verbose=0)


@pytest.mark.parametrize("kind", ["DataLoader", "Rows", "generator", "Pairs"])
def test_what_yields_batches_is_no_array(kind: str) -> None:
    things = (DataLoader([0]), Rows(), endless(), Pairs())
    (wrong,) = [thing for thing in things if type(thing).__name__ == kind]
    with pytest.raises(DataError, match=f"y is a {kind} where an array belongs"):
        linear().fit(X, wrong, verbose=0)
    with pytest.raises(DataError, match=f"x is a {kind} where an array belongs"):
        linear().train_on_batch(wrong)
    with pytest.raises(DataError, match=rf"x\[1\] is a {kind} where an array belongs"):
        two_in_two_out().predict([X, wrong], verbose=0)


def test_the_batches_of_steps_are_those_of_any_form() -> None:
    for given in (Rows(), Stream(), TensorDataset(torch.tensor(X))):
        batches = batches_of(given, batch_size=4, steps=2, go_on=True)
        assert isinstance(batches, StepsSource)
        assert epochs_of(batches, 2) == [[[0, 1, 2, 3], [4, 5, 6, 7]], [[8, 9], [0, 1, 2, 3]]]
    assert isinstance(batches_of(Rows(), batch_size=5, steps=2), DatasetSource)
