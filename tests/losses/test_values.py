"""What the losses come to, and what trains on them."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from onfit import losses
from onfit.errors import ArgumentError, ShapeError
from onfit.layers import Dense
from onfit.models import Sequential

Y = torch.tensor([[1.0, -2.0], [0.0, 4.0]])
OUT = torch.tensor([[2.0, -1.0], [0.5, 1.0]])


def test_the_values_of_samples() -> None:
    assert losses.mean_absolute_percentage_error(Y[:1], OUT[:1]).tolist() == [75.0]
    logs = losses.mean_squared_logarithmic_error(torch.tensor([[math.e - 1]]), torch.zeros(1, 1))
    assert logs.tolist() == pytest.approx([1.0])
    assert losses.huber(Y, OUT).tolist() == [0.5, (0.125 + 2.5) / 2]
    assert losses.huber(Y, OUT, delta=3.0).tolist() == [0.5, (0.125 + 4.5) / 2]
    assert losses.hinge(torch.tensor([[-1.0, 1.0]]), torch.tensor([[0.5, 0.5]])).tolist() == [1.0]
    assert losses.squared_hinge(torch.tensor([[-1.0]]), torch.tensor([[0.5]])).tolist() == [2.25]
    right = losses.categorical_hinge(torch.eye(3)[:1], torch.tensor([[2.0, 0.5, 1.5]]))
    assert right.tolist() == [0.5]
    counts = losses.poisson(torch.tensor([[2.0]]), torch.tensor([[math.e]]))
    assert counts.tolist() == pytest.approx([math.e - 2])
    assert losses.kl_divergence(torch.eye(2), torch.full((2, 2), 0.5)).tolist() == pytest.approx(
        [math.log(2)] * 2, abs=1e-5
    )


def test_vectors_that_point_the_same_way_are_the_least_loss() -> None:
    one, other = torch.tensor([[3.0, 4.0]]), torch.tensor([[6.0, 8.0]])
    assert losses.cosine_similarity(one, other).tolist() == pytest.approx([-1.0])
    assert losses.cosine_similarity(one, -other).tolist() == pytest.approx([1.0])
    assert losses.cosine_similarity(one, torch.zeros(1, 2)).tolist() == [0.0]
    along = losses.CosineSimilarity(axis=0).call(Y, OUT)
    torch.testing.assert_close(along, -F.cosine_similarity(Y, OUT, dim=0))


def test_labels_of_0_and_1_are_those_of_minus_1_and_1_to_a_hinge() -> None:
    signs, out = torch.tensor([[-1.0, 1.0], [1.0, -1.0]]), torch.tensor([[0.3, 2.0], [-1.0, 0.0]])
    for hinge in (losses.hinge, losses.squared_hinge):
        assert torch.equal(hinge((signs + 1) / 2, out), hinge(signs, out))
        assert torch.equal(hinge(((signs + 1) / 2).long(), out), hinge(signs, out))


@pytest.mark.parametrize("size", [1e-8, 1.0, 1e3, 1e20])
def test_log_cosh_is_a_number_for_errors_of_any_size(size: float) -> None:
    value = float(losses.log_cosh(torch.zeros(1, 1), torch.tensor([[size]])))
    expected = math.log(math.cosh(size)) if size < 100 else size - math.log(2)
    assert value == pytest.approx(expected, rel=1e-6, abs=1e-6)


OF_CLASSES = {"sparse_categorical_crossentropy", "categorical_generalized_cross_entropy"}
OF_AREAS = {"dice", "tversky"}
# Whose labels are another thing than their outputs; tests/twin/test_further_metrics.py has these.
OF_OTHER_SHAPES = {"circle", "ctc"}
OTHERS = {"get", "is_loss_function", "reduced", *OF_CLASSES, *OF_OTHER_SHAPES}
FUNCTIONS = [name for name in losses.__all__ if name.islower() and name not in OTHERS]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("out", [torch.eye(3)[:2], torch.ones(2, 3)], ids=["one-hot", "ones"])
def test_no_gradient_is_nan_where_outputs_are_0_or_1(name: str, out: Tensor) -> None:
    out = out.clone().requires_grad_()
    for y in (torch.zeros(2, 3), torch.eye(3)[:2], torch.eye(3)[1:], torch.ones(2, 3)):
        (grad,) = torch.autograd.grad(getattr(losses, name)(y, out).sum(), out)
        assert torch.isfinite(grad).all()


@pytest.mark.parametrize("name", sorted({*FUNCTIONS} - OF_AREAS))
def test_labels_may_be_integers_and_lack_an_axis_of_one(name: str) -> None:
    function, out = getattr(losses, name), torch.tensor([[0.25], [0.75]])
    whole = function(torch.tensor([[0.0], [1.0]]), out)
    assert whole.shape == (2,)
    assert torch.equal(function(torch.tensor([0, 1]), out), whole)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_shapes_that_do_not_fit_are_an_error(name: str) -> None:
    with pytest.raises(ShapeError, match=r"y has shape \(2, 2\).*\(2, 3\)"):
        getattr(losses, name)(torch.zeros(2, 2), torch.zeros(2, 3))


# --- objects ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss",
    [
        losses.Huber(delta=0.5, name="mine"),
        losses.CosineSimilarity(axis=0, reduction="sum"),
        losses.MeanAbsoluteError(reduction="mean_with_sample_weight"),
        losses.BinaryCrossentropy(True, label_smoothing=0.25, name="smooth"),
        losses.SparseCategoricalCrossentropy(reduction=None),
    ],
    ids=lambda loss: loss.name,
)
def test_a_config_makes_the_same_again(loss: losses.Loss) -> None:
    config = loss.get_config()
    again = type(loss)(**config)
    assert vars(again) == vars(loss)


def test_a_config_says_only_what_differs() -> None:
    assert losses.MeanSquaredError().get_config() == {}
    assert losses.Huber().get_config() == {"delta": 1.0}
    assert losses.Huber().name == "huber_loss"


def test_a_users_loss_need_not_call_ours() -> None:
    class Mine(losses.Loss):
        def __init__(self) -> None:
            pass

        def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
            return (y_true - y_pred).square().mean(-1)

    assert float(Mine()(Y, OUT)) == float(losses.MeanSquaredError()(Y, OUT))
    model = Sequential([Dense(2, input_dim=2)])
    model.compile("sgd", Mine())
    model.fit(Y, OUT, verbose=0)


@pytest.mark.parametrize(
    ("reduction", "plain", "weighted"),
    [
        ("sum_over_batch_size", 2.0, 1.5),
        ("mean", 2.0, 1.5),
        ("sum", 4.0, 3.0),
        ("mean_with_sample_weight", 2.0, 1.0),
        ("none", [1.0, 3.0], [3.0, 0.0]),
        (None, [1.0, 3.0], [3.0, 0.0]),
    ],
)
def test_reductions(reduction: Any, plain: Any, weighted: Any) -> None:
    loss = losses.MeanAbsoluteError(reduction=reduction)
    y, out = [[0.0], [0.0]], [[1.0], [3.0]]
    assert loss(y, out).tolist() == plain
    assert loss(y, out, [3.0, 0.0]).tolist() == weighted


def test_weights_of_0_are_no_loss() -> None:
    loss = losses.MeanAbsoluteError(reduction="mean_with_sample_weight")
    assert float(loss([[0.0]], [[1.0]], [0.0])) == 0.0


def test_an_unknown_reduction_is_an_error_that_guesses() -> None:
    with pytest.raises(ArgumentError, match=r"Huber\(reduction='summ'\).*Did you mean 'sum'\?"):
        losses.Huber(reduction="summ")


def test_a_loss_without_reduction_cannot_be_trained_on() -> None:
    model = Sequential([Dense(1, input_dim=1)])
    with pytest.raises(ArgumentError, match=r"MeanSquaredError\(reduction='none'\).*for each"):
        model.compile("sgd", losses.MeanSquaredError(reduction="none"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mape", losses.MeanAbsolutePercentageError),
        ("MSLE", losses.MeanSquaredLogarithmicError),
        ("huber", losses.Huber),
        ("huber_loss", losses.Huber),
        ("logcosh", losses.LogCosh),
        ("kullback_leibler_divergence", losses.KLDivergence),
        ("cosine_proximity", losses.CosineSimilarity),
        ("Poisson", losses.Poisson),
        ("squared_hinge", losses.SquaredHinge),
    ],
)
def test_a_loss_goes_by_its_names(name: str, kind: type) -> None:
    assert type(losses.get(name)) is kind


def test_a_loss_that_cannot_be_hashed_is_a_function_like_any() -> None:
    class Odd:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
            return y_pred.mean()

    assert isinstance(losses.get(Odd()), losses.FunctionLoss)
