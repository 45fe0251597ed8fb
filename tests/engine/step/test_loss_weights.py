"""`loss_weights`: numbers, tensors, variables; read at each step."""

from typing import Any

import numpy as np
import pytest
import torch

from onfit import Input, Model, Sequential
from onfit.callbacks import LambdaCallback
from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.layers import Dense

rng = np.random.default_rng(0)
X = rng.normal(size=(16, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


def two() -> Model:
    begin = Input(shape=(4,))
    return Model(begin, [Dense(1, name="a")(begin), Dense(1, name="b")(begin)])


def one() -> Sequential:
    return Sequential([Dense(1, input_shape=(4,))])


def history_of(model: Model, weights: Any, change: Any) -> dict[str, list[float]]:
    """The losses of two epochs, of which the second has the weights 0 and 5."""
    model.compile("sgd", "mse", loss_weights=weights)
    move = LambdaCallback(on_epoch_end=lambda epoch, logs: change(model, weights))
    fitted = model.fit(X, [Y, 3 * Y], epochs=2, batch_size=4, verbose=0, callbacks=[move])
    found: dict[str, list[float]] = fitted.history
    return found


def fill(model: Model, weights: Any) -> None:
    weights[0].fill_(0.0)
    weights[1].fill_(5.0)


def fill_whole(model: Model, weights: Any) -> None:
    weights[0], weights[1] = 0.0, 5.0


def fill_dict(model: Model, weights: Any) -> None:
    weights.update(a=0.0, b=5.0)


def assign(model: Model, weights: Any) -> None:
    model.loss_weights = [0.0, 5.0]


def assign_dict(model: Model, weights: Any) -> None:
    model.loss_weights = {"b": torch.tensor(5.0), "a": 0}


def put_in(model: Model, weights: Any) -> None:
    model.loss_weights[0], model.loss_weights[1] = 0, 5


@pytest.mark.parametrize(
    ("weights", "change"),
    [
        ([torch.tensor(1.0), torch.tensor(0.0)], fill),
        ((torch.nn.Parameter(torch.ones(())).requires_grad_(False), torch.zeros(())), fill),
        ({"a": torch.ones(()), "b": 1.0}, fill_dict),
        (torch.tensor([1.0, 0.0]), fill_whole),
        (np.array([1.0, 0.0]), fill_whole),
        ([np.array(1.0), np.array(0.0)], lambda model, w: (w[0].fill(0.0), w[1].fill(5.0))),
        ([1.0, 0.0], fill_whole),
        ([1, 0], put_in),
        ([1.0, 0.0], assign),
        (None, assign_dict),
    ],
)
def test_a_weight_that_is_changed_counts_from_the_next_batch_on(weights, change):
    found = history_of(two(), weights, change)
    assert found["loss"][0] != pytest.approx(5 * found["b_loss"][0])
    assert found["loss"][1] == pytest.approx(5 * found["b_loss"][1])


@pytest.mark.parametrize("weights", [0.5, [0.5], {"output": 0.5}, [torch.tensor(0.5)]])
@pytest.mark.parametrize("penalty", [None, "l2"])
def test_the_loss_of_one_output_is_weighed_too(weights, penalty):
    model = Sequential([Dense(1, input_shape=(4,), kernel_regularizer=penalty)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    total = model.evaluate(X, Y, verbose=0)
    model.compile("sgd", "mse", loss_weights={model.output_names[0]: 0.0})
    rest = model.evaluate(X, Y, verbose=0)
    weights = {model.output_names[0]: 0.5} if isinstance(weights, dict) else weights
    model.compile("sgd", "mse", loss_weights=weights)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(0.5 * (total - rest) + rest)
    model.train_on_batch(X, Y)
    halved = [after - b for after, b in zip(model.get_weights(), before, strict=True)]
    assert np.abs(halved[0]).max() > 0


def test_a_weight_set_on_a_model_of_one_output_acts_at_the_next_batch():
    model = one()
    model.compile("sgd", "mse")
    kept: list[Any] = []

    def look(batch: int, logs: Any) -> None:
        kept.append(model.get_weights()[0])
        if batch == 1:
            model.loss_weights = [0.0]

    watch = LambdaCallback(on_train_batch_end=look)
    model.fit(X, Y, batch_size=4, verbose=0, callbacks=[watch])
    assert [bool((kept[0] != each).any()) for each in kept[1:]] == [True, True, True]
    assert (kept[1] == kept[3]).all()


@pytest.mark.parametrize(
    ("weights", "error", "text"),
    [
        ([1.0], ArgumentError, "loss_weights lists 1 for a model of 2 outputs"),
        ({"c": 1.0}, ArgumentError, "no such output"),
        ([1.0, "much"], ArgumentTypeError, "loss_weights has 'much'"),
        ([1.0, np.ones(3)], ArgumentTypeError, "the factor of a loss is a number"),
    ],
)
def test_what_is_no_weight_is_refused_when_it_is_given_and_when_it_is_set(weights, error, text):
    with pytest.raises(error, match=text):
        two().compile("sgd", "mse", loss_weights=weights)
    model = two()
    model.compile("sgd", "mse")
    with pytest.raises(error, match=text):
        model.loss_weights = weights
    assert model.loss_weights is None


def test_weights_that_are_tensors_are_saved_as_numbers(tmp_path):
    from onfit import load_model

    model = two()
    model.compile("sgd", "mse", loss_weights=[torch.tensor(2.0), 1.0])
    model.save(tmp_path / "m.keras")
    assert load_model(tmp_path / "m.keras").loss_weights == [2.0, 1.0]


def test_a_weight_that_is_learned_gets_its_gradient():
    weight = torch.nn.Parameter(torch.ones(()))
    model = two()
    model.compile("sgd", "mse", loss_weights=[weight, 1.0])
    loss = model.compute_loss(
        y=(torch.ones(2, 1), torch.ones(2, 1)), y_pred=model(torch.ones(2, 4))
    )
    (grad,) = torch.autograd.grad(loss, [weight])
    assert float(grad) > 0
