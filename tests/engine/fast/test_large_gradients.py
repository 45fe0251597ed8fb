"""Gradients of large weights: the same to the last bit, in memory that stays."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from onfit import Sequential, layers, optimizers
from onfit.engine.fast import entry, large_gradients
from onfit.engine.fast.entry import gradients
from onfit.engine.fast.large_gradients import LargeGradients
from onfit.engine.step.backward import nodes_of
from onfit.engine.step.step import TrainStep

ROWS, INPUTS, UNITS = 4, 16, 24
X = torch.randn(ROWS, INPUTS, generator=torch.Generator().manual_seed(0))
IN_TIME = torch.randn(2, 3, INPUTS, generator=torch.Generator().manual_seed(1))

Forward = Callable[[Tensor], Tensor]


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_gradients, "LARGE", INPUTS * UNITS * 4)


def kernel(rows: int = INPUTS, columns: int = UNITS) -> Tensor:
    random = torch.Generator().manual_seed(2)
    return torch.randn(rows, columns, generator=random).requires_grad_()


def computed(loss: Callable[[], Tensor], params: list[Tensor]) -> LargeGradients:
    """Gradients of some steps, which must be those of torch to the last bit."""
    large, places = LargeGradients(nodes_of), []
    for _ in range(4):
        expected = torch.autograd.grad(loss(), params, allow_unused=True)
        for mine, torchs in zip(large(loss(), params), expected, strict=True):
            assert (mine is None and torchs is None) or torch.equal(mine, torchs)
        places.append([gradient.data_ptr() for gradient in large._memory.values()])
    assert places[0] == []  # the first step may be the only one
    assert places[1] == places[2] == places[3]
    return large


def under_way(loss: Callable[[], Tensor], params: list[Tensor]) -> LargeGradients:
    """After two steps: it knows its weights, and has memory for them."""
    large = LargeGradients(nodes_of)
    large(loss(), params)
    large(loss(), params)
    assert all(memory is not None for memory in map(large._memory.get, params))
    return large


def kept_of(forward: Forward, weight: Tensor) -> bool:
    """Whether the memory of the gradient of `weight` is kept; it is the right one anyhow."""
    bias = torch.zeros(UNITS, requires_grad=True)  # so that there is something else to find
    large = computed(lambda: forward(weight).square().mean() + bias.exp().mean(), [bias, weight])
    return weight in large._memory


BIAS = torch.zeros(UNITS, requires_grad=True)


@pytest.mark.parametrize(
    "forward",
    [
        lambda w: torch.addmm(BIAS, X, w),
        lambda w: torch.addmm(BIAS, X, w, beta=3),
        lambda w: X @ w,
        lambda w: IN_TIME @ w,
        lambda w: X.expand(ROWS, INPUTS) @ w,
        lambda w: torch.relu((X * 2).requires_grad_() @ w),
        lambda w: (lambda z: z.sin() + z.cos() * z)(X @ w),  # whose outcome is used three times
    ],
)
def test_a_weight_in_one_product_has_its_gradient_in_memory_that_stays(forward: Forward) -> None:
    assert kept_of(forward, kernel())


@pytest.mark.parametrize(
    "forward",
    [
        lambda w: F.linear(X, w),
        lambda w: F.linear(X, w, BIAS),
        lambda w: F.linear(IN_TIME, w, BIAS),
        lambda w: torch.addmm(BIAS, X, w.t()),
    ],
)
def test_so_has_a_weight_that_is_turned_as_torch_keeps_it(forward: Forward) -> None:
    assert kept_of(forward, kernel(UNITS, INPUTS))


@pytest.mark.parametrize(
    "forward",
    [
        lambda w: (X @ w) @ (X @ w).t(),  # two products
        lambda w: X @ w + w.square().mean(),  # a penalty
        lambda w: F.linear(X @ w, w),  # tied: from both sides
        lambda w: w @ X.new_ones(UNITS, 3),  # on the left
        lambda w: torch.addmm(BIAS, X, w, alpha=2),
        lambda w: X @ (w * 2),
        lambda w: X @ w.clone(),
        lambda w: X.bfloat16() @ w.bfloat16(),  # as under autocast
        lambda w: torch.randn(200, INPUTS) * 0 @ w,  # many rows
        lambda w: X[:, :3] @ w[:3],
        lambda w: F.embedding(torch.tensor([1, 2]), w),
        lambda w: torch.sparse.mm(X.to_sparse(), w),
        lambda w: torch.mm(X.to_sparse(), w),
        lambda w: BIAS,  # no part in it at all
        lambda w: checkpoint(lambda x: x @ w, X, use_reentrant=False),
    ],
)
def test_any_other_is_left_to_the_engine(forward: Forward) -> None:
    assert not kept_of(forward, kernel())


def test_what_is_saved_elsewhere_is_left_there() -> None:
    taken_back = []

    def forward(weight: Tensor) -> Tensor:
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: tensor, lambda tensor: taken_back.append(1) or tensor
        ):
            return X @ weight

    assert not kept_of(forward, kernel())
    assert len(taken_back) == 9  # once for each gradient, and when it was looked for


@pytest.mark.parametrize("hidden", [True, False])
def test_a_product_that_is_checkpointed_later_on_is_still_right(hidden: bool) -> None:
    first, weight = torch.randn(INPUTS, INPUTS).requires_grad_(), kernel()

    def loss(later: bool = True) -> Tensor:
        x = torch.tanh(X @ first) if hidden else X
        if later:
            return checkpoint(lambda x: x @ weight, x, use_reentrant=False).square().mean()
        return (x @ weight).square().mean()

    large = under_way(lambda: loss(later=False), [weight])
    for _ in range(2):
        assert torch.equal(large(loss(), [weight])[0], torch.autograd.grad(loss(), weight)[0])


def test_a_weight_that_is_used_otherwise_later_on_is_still_right() -> None:
    weight = kernel()
    large = under_way(lambda: (X @ weight).sum(), [weight])
    for loss in (lambda: (X @ weight).sum(), lambda: (X @ weight).sum() + weight.sum()) * 2:
        assert torch.equal(large(loss(), [weight])[0], torch.autograd.grad(loss(), weight)[0])


def test_a_penalty_on_gradients_is_left_to_the_engine() -> None:
    x, weight = X.clone().requires_grad_(), kernel()

    def loss() -> Tensor:
        output = (x @ weight).square().mean()
        (by_x,) = torch.autograd.grad(output, x, create_graph=True)
        return output + by_x.square().mean()

    assert not computed(loss, [weight])._memory


def test_whoever_looks_at_a_gradient_has_one_of_its_own() -> None:
    weight, seen = kernel(), []
    large = under_way(lambda: (X @ weight).sum(), [weight])
    weight.register_hook(seen.append)
    for _ in range(3):
        large((X @ weight).sum(), [weight])
    assert len({gradient.data_ptr() for gradient in seen}) == len(seen) == 3
    assert not kept_of(lambda w: X @ w, weight)


# --- hooks on the way --------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Full backward hook")  # whose first layer's input learns nothing
def test_hooks_of_modules_and_of_outputs_are_called() -> None:
    linear, seen = nn.Linear(INPUTS, UNITS), []
    linear.register_full_backward_pre_hook(lambda *of_module: seen.append("module"))

    def forward(weight: Tensor) -> Tensor:
        output = linear(X)
        output.register_hook(lambda gradient: seen.append("output"))
        return output

    assert kept_of(forward, linear.weight)
    assert seen.count("module") == seen.count("output") == 8


HOOKS = {
    "tensor": lambda z: z.register_hook(lambda gradient: gradient * 3),
    "before": lambda z: z.grad_fn.register_prehook(lambda gradients: (gradients[0] * 3,)),
    "behind": lambda z: z.grad_fn.register_hook(
        lambda gradients, _: tuple(None if one is None else one * 2 for one in gradients)
    ),
    "none": lambda z: None,
}
ON_NODES = ("before", "behind")  # which may be meant for the weight's gradient, too


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("biased", [True, False])
def test_a_hook_on_the_output_of_a_hidden_layer_changes_its_gradient(
    hook: str, biased: bool
) -> None:
    first = torch.randn(INPUTS, INPUTS).requires_grad_()
    bias = torch.randn(UNITS).requires_grad_()
    last = nn.Linear(UNITS, UNITS)
    weight = kernel()

    def loss() -> Tensor:
        hidden = torch.tanh(X @ first)
        z = torch.addmm(bias, hidden, weight) if biased else hidden @ weight
        HOOKS[hook](z)
        z = last(z)
        HOOKS[hook](z)
        return z.square().mean()

    params = [first, *([bias] if biased else []), weight, *last.parameters()]
    kept = set() if hook in ON_NODES else {weight, last.weight}
    assert {*computed(loss, params)._memory} == kept


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("bias", [True, False])
def test_so_does_one_on_that_of_a_first_layer(hook: str, bias: bool) -> None:
    linear = nn.Linear(INPUTS, UNITS, bias)

    def loss() -> Tensor:
        z = linear(X)
        HOOKS[hook](z)
        return z.square().mean()

    kept = [] if hook in ON_NODES else [linear.weight]
    assert [*computed(loss, list(linear.parameters()))._memory] == kept


def test_a_hook_on_the_turning_of_a_weight_is_heard() -> None:
    weight = kernel(UNITS, INPUTS)

    def loss() -> Tensor:
        turned = weight.t()
        HOOKS["before"](turned)
        return (X @ turned).square().mean()

    assert not computed(loss, [weight])._memory


@pytest.mark.filterwarnings("ignore:Using a non-full backward hook")
def test_modules_hooks_of_the_old_kind_see_the_gradient_of_the_weight() -> None:
    linear, seen = nn.Linear(INPUTS, UNITS), []
    linear.register_backward_hook(lambda module, of_inputs, of_outputs: seen.append(of_inputs[2]))
    computed(lambda: linear(X).square().mean(), list(linear.parameters()))
    assert len(seen) == 8
    assert all(gradient is not None for gradient in seen)


@pytest.mark.parametrize("rows", [4, 200])  # kept, or left to the engine
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_left_side_changed_after_the_product_is_torchs_error(rows: int, steps: int) -> None:
    weight, large = kernel(), LargeGradients(nodes_of)
    for _ in range(steps):
        large((torch.ones(rows, INPUTS) @ weight).sum(), [weight])
    x = torch.ones(rows, INPUTS)
    loss = (x @ weight).square().mean()
    x.add_(1)
    with pytest.raises(RuntimeError, match="inplace operation"):
        large(loss, [weight])


def test_a_step_that_fails_leaves_no_hook_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = kernel()
    large = under_way(lambda: (X @ weight).sum(), [weight])
    before = sys.getrefcount(weight)
    monkeypatch.setattr(large_gradients, "gradients", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        large((X @ weight).sum(), [weight])
    assert sys.getrefcount(weight) == before  # a hook would hold it, and its graph the hook


# --- what weights may be -----------------------------------------------------------------------


def test_a_weight_that_changes_its_type_or_shape_has_memory_of_its_own_again() -> None:
    weight = kernel()
    large = under_way(lambda: (X @ weight).sum(), [weight])
    for value in (weight.data, weight.data.double(), torch.randn(INPUTS, 2 * UNITS)):
        weight.data = value
        (gradient,) = large((X.to(value.dtype) @ weight).sum(), [weight])
        assert (gradient.dtype, gradient.shape) == (value.dtype, value.shape)


def test_a_frozen_weight_does_not_leave_its_memory_behind() -> None:
    first, second = kernel(), kernel()
    loss = lambda: (X @ first + X @ second).sum()  # noqa: E731
    large = under_way(loss, [first, second])
    large(loss(), [second])
    assert large._memory[first] is None
    assert large._memory[second] is not None


def test_complex_weights_are_left_to_the_engine() -> None:
    weight = torch.randn(INPUTS, UNITS, dtype=torch.complex64, requires_grad=True)
    assert not kept_of(lambda w: (X.to(w.dtype) @ w).abs(), weight)


def test_what_an_authors_own_operation_calls_its_variable_is_no_weight() -> None:
    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.variable = [1]
            return x.clone()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return gradient

    assert kept_of(lambda w: Own.apply(X @ w), kernel())


def test_under_autocast_all_is_left_to_the_engine() -> None:
    weight = kernel()
    large, loss = under_way(lambda: (X @ weight).sum(), [weight]), (X @ weight).sum()
    with torch.autocast("cpu"):
        large(loss, [weight])
    assert large._memory[weight] is None


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_in_search_of_nan_all_is_left_to_the_engine() -> None:
    weight = kernel()
    large, loss = under_way(lambda: (X @ weight).sum(), [weight]), (X @ weight).sum()
    with torch.autograd.detect_anomaly():
        large(loss, [weight])
    assert large._memory[weight] is None


def test_the_public_way_into_the_engine_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "_entry", lambda: None)
    entry._engine.cache_clear()
    assert kept_of(lambda w: torch.addmm(BIAS, X, w), kernel())
    entry._engine.cache_clear()


# --- in fit ------------------------------------------------------------------------------------


def net() -> Sequential:
    torch.manual_seed(0)
    return Sequential(
        [
            layers.Dense(32, activation="relu", input_dim=INPUTS),
            layers.Dense(32, activation="relu", kernel_regularizer="l2"),
            layers.Dense(32, use_bias=False),
            layers.Dense(3, activation="softmax"),
        ]
    )


def trained(make: Callable[[], Any]) -> list[Any]:
    model = net()
    model.compile(make(), "sparse_categorical_crossentropy")
    x = torch.randn(40, INPUTS, generator=torch.Generator().manual_seed(3))
    torch.manual_seed(1)
    model.fit(x, (x.sum(1) > 0).long(), batch_size=8, epochs=4, verbose=0)
    return model.get_weights()


OPTIMIZERS = [
    *(lambda name=name: optimizers.get(name) for name in optimizers.CLASSES),
    lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    lambda: optimizers.Adam(clipnorm=0.01),
    lambda: optimizers.Adam(global_clipnorm=0.01, weight_decay=0.1),
]


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_fit_learns_the_same_to_the_last_bit(
    make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = trained(make)
    monkeypatch.setattr(large_gradients, "LARGE", 1 << 60)
    plain = trained(make)
    assert all((mine == theirs).all() for mine, theirs in zip(kept, plain, strict=True))


class Keeping(optimizers.SGD):
    """Keeps the gradients of every step, as a user's own optimizer may."""

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        self.seen = [*getattr(self, "seen", []), grads]
        super()._update(params, grads, *slots)


def stepped(optimizer: Any, steps: int = 3) -> Any:
    """What computes the gradients of a training, after some steps."""
    model = net()
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.build((None, INPUTS))
    step = TrainStep(model, model.compiled)
    step.prepare()
    for _ in range(steps):
        step((X, torch.tensor([0, 1, 2, 0]), None))
    return step._there_and_back.gradients.compute


def test_our_optimizers_have_large_gradients_in_memory_that_stays() -> None:
    compute = stepped("adam")
    assert isinstance(compute, LargeGradients)
    # The second layer's weight is in its penalty, too.
    assert {tuple(weight.shape) for weight in compute._memory} == {(16, 32), (32, 32)}


def test_an_optimizer_that_may_keep_its_gradients_has_new_ones_each_time() -> None:
    optimizer = Keeping(0.1)
    assert stepped(optimizer) is gradients
    first, second, _third = (grads[0] for grads in optimizer.seen)
    assert not torch.equal(first, second)
    assert stepped(torch.optim.SGD) is gradients


def test_so_has_one_that_is_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    optimizer, seen = optimizers.SGD(0.1), []
    apply = optimizer.apply
    monkeypatch.setattr(optimizer, "apply", lambda grads: (seen.append(grads), apply(grads)))
    assert stepped(optimizer) is gradients
    assert len(seen) == 3


def test_a_small_net_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_gradients, "LARGE", 1 << 60)
    assert stepped("adam") is gradients
