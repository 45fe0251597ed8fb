import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from onfit import losses
from onfit.errors import ArgumentError, ArgumentTypeError, DataError, OnfitWarning, ShapeError
from onfit.layers import Activation, Dense
from onfit.models import Model, Sequential

HUGE = 1e4


# --- numbers ---------------------------------------------------------------------------------


def test_a_loss_is_one_value_per_sample() -> None:
    y, out = torch.tensor([[0.0, 2.0], [1.0, 1.0]]), torch.tensor([[1.0, 0.0], [1.0, 3.0]])
    assert losses.mean_squared_error(y, out).tolist() == [2.5, 2.0]
    assert losses.mean_absolute_error(y, out).tolist() == [1.5, 1.0]


def test_a_loss_object_is_the_weighted_mean_over_the_number_of_samples() -> None:
    loss = losses.MeanSquaredError()
    y, out = [[0.0], [0.0]], [[1.0], [3.0]]
    assert float(loss(y, out)) == 5.0
    assert float(loss(y, out, torch.tensor([2.0, 0.0]))) == 1.0  # over 2, not over the weights' sum


def test_crossentropies_from_logits_are_those_of_the_probabilities() -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, -3.0]])
    labels, onehot = torch.tensor([2, 0]), torch.eye(3)[[2, 0]]
    sparse = losses.sparse_categorical_crossentropy
    close(sparse(labels, logits, from_logits=True), sparse(labels, logits.softmax(-1)))
    dense = losses.categorical_crossentropy
    close(dense(onehot, logits, from_logits=True), sparse(labels, logits.softmax(-1)))
    binary = losses.binary_crossentropy
    close(binary(onehot, logits, from_logits=True), binary(onehot, logits.sigmoid()))


def test_sparse_labels_of_sequences_are_one_per_position() -> None:
    logits = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[0, 1, 2, 0], [2, 2, 1, 0]])
    values = losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    expected = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    assert values.shape == (2, 4)
    close(values, expected)


def test_smoothing_moves_labels_towards_the_middle() -> None:
    y, out = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.75, 0.25]])
    smooth = losses.categorical_crossentropy(y, out, label_smoothing=0.5)
    close(smooth, torch.tensor([-(0.75 * math.log(0.75) + 0.25 * math.log(0.25))]))
    smooth = losses.binary_crossentropy(y, out, label_smoothing=1.0)
    close(smooth, losses.binary_crossentropy(torch.full((1, 2), 0.5), out))


def test_smoothing_is_from_0_to_1() -> None:
    for wrong in (-0.1, 1.5):
        with pytest.raises(ArgumentError, match=rf"label_smoothing={wrong}\): from 0 to 1"):
            losses.BinaryCrossentropy(label_smoothing=wrong)


# --- outputs of any size ---------------------------------------------------------------------

HEADS: dict[str, tuple[str, Any, Any]] = {
    "sparse_categorical_crossentropy": ("softmax", torch.tensor([0, 1]), 2),
    "categorical_crossentropy": ("softmax", torch.eye(2), 2),
    "binary_crossentropy": ("sigmoid", torch.tensor([[0.0], [1.0]]), 1),
}


@pytest.mark.parametrize("apart", [False, True], ids=["inside Dense", "a layer of its own"])
@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])
@pytest.mark.parametrize("loss", HEADS)
def test_huge_outputs_give_no_nan(loss: str, wrong: bool, apart: bool) -> None:
    """The loss looks behind the activation, where nothing overflows, and so does the gradient."""
    activation, y, units = HEADS[loss]
    head = [Dense(units), Activation(activation)] if apart else [Dense(units, activation)]
    model = Sequential(head)
    model.build((None, 1))
    kernel = [[-HUGE, HUGE]] if units == 2 else [[HUGE]]
    model.set_weights([-np.array(kernel) if wrong else np.array(kernel), np.zeros(units)])
    model.compile("sgd", loss, metrics=["accuracy"])
    x = torch.tensor([[-1.0], [1.0]])

    (before,) = model.fit(x, y, verbose=0, shuffle=False).history["loss"]

    assert before == pytest.approx(HUGE * (2 if units == 2 else 1) if wrong else 0.0)
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    value, accuracy = model.evaluate(x, y, verbose=0)
    assert math.isfinite(value)
    assert accuracy == (0.0 if wrong else 1.0)


@pytest.mark.parametrize("loss", HEADS)
def test_a_gradient_flows_where_a_probability_is_0(loss: str) -> None:
    """From a probability cut off at 1e-7 no gradient would come back."""
    activation, y, units = HEADS[loss]
    model = Sequential([Dense(units, activation, input_dim=1)])
    kernel = [[50.0, -50.0]] if units == 2 else [[-50.0]]
    model.set_weights([np.array(kernel), np.zeros(units)])
    model.compile("sgd", loss)
    model.fit(torch.tensor([[-1.0], [1.0]]), y, verbose=0)
    assert not np.array_equal(model.get_weights()[0], np.array(kernel))


@pytest.mark.parametrize("loss", HEADS)
def test_probabilities_of_0_and_1_from_elsewhere_give_no_nan(loss: str) -> None:
    """Where the activation is not ours to leave out, probabilities are cut off at 1e-7."""
    activation, y, units = HEADS[loss]
    last = nn.Softmax(-1) if activation == "softmax" else nn.Sigmoid()
    linear = nn.Linear(1, units)
    with torch.no_grad():
        linear.weight.mul_(0).add_(torch.tensor([[HUGE], [-HUGE]][:units]))
    model = Model(nn.Sequential(linear, last))
    model.compile("sgd", loss)
    history = model.fit(torch.tensor([[-1.0], [1.0]]), y, verbose=0)
    assert math.isfinite(history.history["loss"][0])
    assert all(np.isfinite(weights).all() for weights in model.get_weights())


# --- names and objects -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        ("mse", losses.MeanSquaredError),
        ("MSE", losses.MeanSquaredError),
        ("mean_squared_error", losses.MeanSquaredError),
        ("MeanSquaredError", losses.MeanSquaredError),
        ("mae", losses.MeanAbsoluteError),
        ("bce", losses.BinaryCrossentropy),
        (losses.mean_absolute_error, losses.MeanAbsoluteError),
        (losses.sparse_categorical_crossentropy, losses.SparseCategoricalCrossentropy),
        (nn.CrossEntropyLoss(), losses.TorchLoss),
        (F.cross_entropy, losses.TorchLoss),
        (F.mse_loss, losses.TorchLoss),
        (lambda y_true, y_pred: y_pred, losses.FunctionLoss),
    ],
    ids=lambda given: getattr(given, "__name__", str(given)),
)
def test_what_stands_for_a_loss(identifier: Any, kind: type[losses.Loss]) -> None:
    assert type(losses.get(identifier)) is kind


def test_a_loss_object_is_itself() -> None:
    loss = losses.BinaryCrossentropy(from_logits=True)
    assert losses.get(loss) is loss
    assert loss.get_config() == {"from_logits": True, "axis": -1, "label_smoothing": 0.0}


def test_a_misspelt_loss_is_an_error_that_guesses() -> None:
    with pytest.raises(ArgumentError, match=r"'binary_crossentropi'.*Did you mean 'binary_cross"):
        losses.get("binary_crossentropi")


@pytest.mark.parametrize("given", [losses.MeanSquaredError, nn.MSELoss])
def test_a_class_instead_of_a_loss_is_an_error_that_says_so(given: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=rf"is a class. Write {given.__name__}\(\)"):
        losses.get(given)


def test_what_is_no_loss_at_all() -> None:
    with pytest.raises(ArgumentTypeError, match="loss is a name, a loss object or a function; got"):
        losses.get(7)


# --- torch's losses --------------------------------------------------------------------------


def test_a_torch_loss_is_called_in_torchs_order() -> None:
    seen = []

    class Spy(nn.Module):
        def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            seen.append((output.requires_grad, target.requires_grad))
            return (output - target).pow(2).mean()

    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", Spy())
    model.fit(torch.ones(4, 2), torch.ones(4), verbose=0)
    assert seen == [(True, False)]


def test_torchs_losses_take_targets_of_one_axis_and_whole_numbers() -> None:
    """y of shape (n,) against outputs (n, 1) would silently be broadcast to (n, n) by torch."""
    loss = losses.get(nn.MSELoss())
    assert float(loss.call(torch.tensor([1, 2]), torch.tensor([[1.0], [4.0]]))) == 2.0
    labels = torch.tensor([[0], [1]])
    cross = losses.get(nn.CrossEntropyLoss())
    close(cross.call(labels, torch.eye(2)), F.cross_entropy(torch.eye(2), torch.tensor([0, 1])))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_sample_weights_reach_torchs_losses(reduction: str) -> None:
    given = nn.MSELoss(reduction=reduction)
    loss = losses.get(given).weightable()
    values = loss.call(torch.zeros(2, 1), torch.tensor([[1.0], [3.0]]))
    assert float(losses.reduced(values, torch.tensor([1.0, 0.0]))) == 0.5
    assert given.reduction == reduction  # the user's own is left alone


def test_metrics_see_probabilities_where_a_torch_loss_takes_logits() -> None:
    assert losses.get(nn.CrossEntropyLoss()).output_activation.__name__ == "softmax"
    assert losses.get(nn.BCEWithLogitsLoss()).output_activation.__name__ == "sigmoid"
    assert losses.get(F.binary_cross_entropy_with_logits).output_activation.__name__ == "sigmoid"
    assert losses.get(nn.MSELoss()).output_activation is None


# --- shapes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["mse", "mae", "binary_crossentropy", "categorical_crossentropy"])
def test_shapes_that_do_not_fit_are_an_error_that_names_both(loss: str) -> None:
    with pytest.raises(ShapeError, match=r"y has shape \(5,\).*output has shape \(5, 3\)"):
        losses.get(loss).call(torch.zeros(5), torch.zeros(5, 3))


def test_one_hot_labels_for_the_sparse_loss_are_an_error_that_names_the_other() -> None:
    with pytest.raises(ShapeError, match=r"got \(5, 3\). For one-hot y use categorical_crossen"):
        losses.get("sparse_categorical_crossentropy").call(torch.zeros(5, 3), torch.zeros(5, 3))


def test_weights_of_another_shape_are_an_error() -> None:
    values = torch.zeros(4)
    with pytest.raises(ShapeError, match=r"sample_weight has shape \(3,\).*Pass one weight per"):
        losses.reduced(values, torch.ones(3))
    with pytest.raises(ShapeError, match=r"shape \(4, 2\)"):
        losses.reduced(values, torch.ones(4, 2))


def test_weights_may_have_an_axis_of_1_or_one_for_each_value() -> None:
    weight = torch.tensor([[1.0], [0.0], [0.0], [0.0]])
    assert float(losses.reduced(torch.full((4,), 8.0), weight)) == 2.0
    assert float(losses.reduced(torch.full((4, 2), 8.0), weight)) == 2.0
    assert float(losses.reduced(torch.full((4, 2), 8.0), weight.squeeze())) == 2.0
    assert float(losses.reduced(torch.full((2, 2), 8.0), torch.eye(2))) == 4.0


def test_a_users_loss_may_take_the_mean_itself() -> None:
    model = Sequential([Dense(1, input_dim=2, kernel_initializer="zeros")])
    model.compile("sgd", lambda y_true, y_pred: ((y_true - y_pred) ** 2).mean())
    assert model.evaluate(torch.ones(4, 2), torch.full((4, 1), 3.0), verbose=0) == 9.0


def close(mine: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_logits_that_a_loss_takes_for_probabilities_are_told_once(loss: str) -> None:
    net = torch.nn.Linear(3, 2)
    with torch.no_grad():
        net.bias.copy_(torch.tensor([5.0, -5.0]))
    model = Model(net)
    model.compile("sgd", loss)
    y = torch.eye(2)[[0, 1, 0, 1]] if loss == "categorical_crossentropy" else [0, 1, 0, 1]
    advice = r"gives logits\. Pass losses\.\w+\(from_logits=True\)"
    with pytest.warns(OnfitWarning, match=advice) as told:
        model.fit(torch.zeros(4, 3), y, batch_size=2, epochs=2, verbose=0)
    assert len(told) == 1


def test_probabilities_of_a_module_are_no_logits() -> None:
    model = Model(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Softmax(-1)))
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.fit(torch.zeros(4, 3), [0, 1, 0, 1], verbose=0).history["loss"]


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_weights_of_one_change_no_loss_of_torch(reduction: str) -> None:
    torch.manual_seed(0)
    model = Model(nn.Linear(3, 2))
    model.compile("sgd", nn.CrossEntropyLoss(reduction=reduction))
    x, y = torch.randn(8, 3), torch.tensor([0, 1] * 4)
    plain = model.evaluate(x, y, verbose=0)
    assert model.evaluate(x, y, sample_weight=torch.ones(8), verbose=0) == pytest.approx(plain)


def test_weights_of_classes_and_of_samples_do_not_meet_in_a_loss_of_torch() -> None:
    model = Model(nn.Linear(3, 2))
    model.compile("sgd", nn.CrossEntropyLoss(weight=torch.tensor([1.0, 4.0])))
    x, y = torch.zeros(4, 3), torch.tensor([0, 1] * 2)
    with pytest.raises(ArgumentError, match=r"Pass class_weight= to fit"):
        model.fit(x, y, sample_weight=torch.ones(4), verbose=0)


def test_a_loss_that_returns_nothing_is_told() -> None:
    model = Model(nn.Linear(3, 1))
    model.compile("sgd", lambda y_true, y_pred: None)
    with pytest.raises(ArgumentTypeError, match=r"a loss returned None.*Return a tensor"):
        model.fit(torch.zeros(4, 3), torch.zeros(4), verbose=0)


def test_an_optimizer_that_asks_for_a_closure_is_told() -> None:
    net = nn.Linear(3, 1)
    model = Model(net)
    model.compile(torch.optim.LBFGS(net.parameters()), "mse")
    with pytest.raises(ArgumentError, match=r"LBFGS asks for a closure.*onfit\.Run"):
        model.fit(torch.zeros(4, 3), torch.zeros(4), verbose=0)


def test_half_precision_is_predicted_as_floats() -> None:
    model = Model(nn.Linear(3, 1).bfloat16())
    model.compile("sgd", "mse")
    assert model.predict(torch.zeros(4, 3).bfloat16(), verbose=0).dtype == np.float32


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), F.cross_entropy, nn.NLLLoss(), F.nll_loss])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_classes_that_are_no_whole_numbers_are_an_error_for_torchs_losses(
    loss: Any, shape: tuple[int, ...]
) -> None:
    model = Model(nn.Linear(2, 3))
    model.compile("sgd", loss)
    with pytest.raises(DataError, match=r"\(4, 3\) with y, .* type float32.*astype\('int64'\)"):
        model.fit(np.ones((4, 2), "float32"), np.zeros(shape), verbose=0)
