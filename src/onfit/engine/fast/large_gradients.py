"""Gradients of large weights, written where those of the step before were.

The C library gives memory of 32 MB and more back to the system as soon as it is free. The next
gradient of that size then gets its memory page by page, which takes a sixth of a large net's step.
torch's engine has no argument that says where to write a gradient. So if a large weight takes part
in one product alone, `inputs @ weight`, the engine computes the gradient of the product. The
weight's own gradient is computed here from that: by the kernel that the engine would have called
and, where the engine visits the product at all, at the moment when it would have called it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge
from torch.nn import Parameter

from onfit.engine.fast.conditions import engine_does_more, is_hooked
from onfit.engine.fast.entry import Gradients, gradients
from onfit.layers.weights import Weight

# glibc's DEFAULT_MMAP_THRESHOLD_MAX: memory of this size goes back to the system, however often
# the program asks for it.
LARGE = 32 << 20  # bytes

# torch's nodes that multiply: their name for the left side, and the index, among the nodes before
# them, of the right side's node.
_LEFT = {"AddmmBackward0": "mat1", "MmBackward0": "self"}
_RIGHT = {"AddmmBackward0": 2, "MmBackward0": 1}

# Walks the graph of a loss: each node, once.
NodesOf = Callable[[Tensor], Iterable[Any]]
# For each node: the nodes that use it, and as which of the nodes before them.
_Uses = dict[Any, list[tuple[Any, int]]]
_Hook = Callable[[tuple[Tensor | None]], None]


class LargeGradients:
    """Computes what `gradients` does, with large gradients in memory that stays.

    So these last until the next ones are computed: to keep one for longer, copy it.

    Args:
        nodes_of: walks the graph of a loss.
    """

    def __init__(self, nodes_of: NodesOf) -> None:
        self._nodes_of = nodes_of
        self._steps = 0
        # By weight, for the weights that the second step finds.
        self._memory: dict[Tensor, Tensor | None] = {}

    def __call__(self, loss: Tensor, params: Sequence[Tensor]) -> Gradients:
        """The gradient of `loss` by each of `params`; None where it does not depend on one."""
        self._steps += 1
        if self._steps == 1:  # there is no memory to write to yet, and it may be the only step
            return gradients(loss, params)
        if self._steps == 2:
            self._memory = dict.fromkeys(_candidates(params, self._nodes_of(loss)))
        places = {param: place for place, param in enumerate(params) if param in self._memory}
        products = {} if engine_does_more() else _products_with(places, self._nodes_of(loss))
        # A gradient that is shown may be kept, and is not written over.
        memory = {param: grad for param, grad in self._memory.items() if param.grad is None}
        self._memory = dict.fromkeys(self._memory)
        taken: dict[Tensor, Tensor] = {}
        hooks = {
            param: _hook(param, product, taken, memory.get(param))
            for param, product in products.items()
        }
        inputs: list[Tensor | GradientEdge] = list(params)
        for param, product in products.items():
            inputs[places[param]] = GradientEdge(product.node, 0)
        watched = [(products[param].node, hook) for param, hook in hooks.items()]
        found = _visited(watched, loss, inputs)
        for param, hook in hooks.items():
            if param not in taken:  # the engine had no other reason to visit its product
                hook((found[places[param]],))
            found[places[param]] = taken.get(param)
        self._memory |= taken
        return found


def _visited(
    hooks: list[tuple[Any, _Hook]], loss: Tensor, inputs: Sequence[Tensor | GradientEdge]
) -> list[Tensor | None]:
    """The gradients by `inputs`; on the way each node's hook sees the gradient of its outputs."""
    handles: list[Any] = []
    try:
        handles += [node.register_prehook(hook) for node, hook in hooks]
        return list(gradients(loss, inputs))
    finally:
        for handle in handles:  # else a node holds its hook, and the hook holds the node's graph
            handle.remove()


class _Product(NamedTuple):
    """`left @ weight`, or `left @ weight.T` if it is transposed, by its node in the graph."""

    node: Any
    transposed: bool

    def left(self) -> Tensor:
        """The left side; torch's error if it was changed in place since."""
        saved: Tensor = getattr(self.node, f"_saved_{_LEFT[self.node.name()]}")
        return saved.detach()

    def saves_left_itself(self) -> bool:
        """Whether the node keeps its left side itself, with no hooks on saved tensors.

        Such hooks, those of checkpoints for instance, compute or fetch the left side, and may not
        allow that twice. torch refuses a second pair of hooks, so this tries to set one. From then
        on the engine no longer sees whether the left side was changed in place: call `left` before.
        """
        slot = getattr(self.node, f"_raw_saved_{_LEFT[self.node.name()]}")
        try:
            slot.register_hooks(lambda tensor: tensor, lambda tensor: tensor)
        except RuntimeError:
            return False
        return True


def _hook(
    param: Tensor, product: _Product, taken: dict[Tensor, Tensor], memory: Tensor | None
) -> _Hook:
    """A hook that computes the gradient by `param` from that by `product`, into `taken`."""
    left, transposed = product.left(), product.transposed
    if memory is not None and (memory.dtype, memory.shape) != (param.dtype, param.shape):
        memory = None

    def take(of_outputs: tuple[Tensor | None]) -> None:
        (of_product,) = of_outputs
        if of_product is None:
            return
        factors = (of_product.t(), left) if transposed else (left.t(), of_product)
        with torch.no_grad():
            taken[param] = torch.mm(*factors, out=memory)

    return take


def _candidates(params: Sequence[Tensor], nodes: Iterable[Any]) -> list[Tensor]:
    """The weights among `params` for whose gradients it pays to keep the memory."""
    return [
        param
        for param, product in _products_with(params, nodes).items()
        if _pays(product.left(), param) and product.saves_left_itself()
    ]


def is_large(param: Tensor) -> bool:
    """Whether it is a matrix so large that its gradient's memory would go back to the system."""
    return (
        type(param) in (Tensor, Parameter, Weight)  # the numbers of other types may lie elsewhere
        and param.layout is torch.strided
        and param.is_cpu
        and param.is_floating_point()
        and param.ndim == 2
        and param.nbytes >= LARGE
    )


def _pays(left: Tensor, param: Tensor) -> bool:
    """Whether it pays to keep the memory. A product of many rows takes so long that its memory does
    not matter. And its inputs and outputs, which are held until all gradients are there, would
    take more memory than is saved.
    """
    held = len(left) * sum(param.shape)
    return type(left) is Tensor and left.layout is torch.strided and held <= param.numel()


def _products_with(params: Iterable[Tensor], nodes: Iterable[Any]) -> dict[Tensor, _Product]:
    """For each large one of `params` the product it takes part in, if it has no other part in the
    graph of these nodes, and if no hook looks at its gradient.
    """
    wanted = {
        param
        for param in params
        if is_large(param) and param.is_contiguous() and not param._backward_hooks
    }
    if not wanted:
        return {}
    uses: _Uses = defaultdict(list)
    for node in nodes:
        for place, (source, _) in enumerate(node.next_functions):
            if source is not None:
                uses[source].append((node, place))
    leaves = [source for source in uses if source.name() == "torch::autograd::AccumulateGrad"]
    found = {leaf.variable: _product_with(leaf, uses) for leaf in leaves if leaf.variable in wanted}
    return {param: product for param, product in found.items() if product is not None}


def _product_with(leaf: Any, uses: _Uses) -> _Product | None:
    node, place = _only_use(leaf, uses)
    transposed = node is not None and node.name() == "TBackward0"
    if transposed:
        if is_hooked(node):
            return None
        node, place = _only_use(node, uses)
    if node is None or place != _RIGHT.get(node.name()) or is_hooked(node):
        return None
    # The names of what a node saves are not public. Without them the engine computes all.
    known = hasattr(node, f"_raw_saved_{_LEFT[node.name()]}")
    return _Product(node, transposed) if known and getattr(node, "_saved_alpha", 1) == 1 else None


def _only_use(source: Any, uses: _Uses) -> tuple[Any, int | None]:
    """The one node that uses `source`, and as which of the nodes before it; None twice if there is
    not exactly one.
    """
    return uses[source][0] if len(uses[source]) == 1 else (None, None)
