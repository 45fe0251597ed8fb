"""Gradients of large weights, written where those of the step before were.

The C library gives memory of 32 MB and more back to the system as soon as it is free. The next
gradient of that size is asked for page by page, which takes a tenth to a fifth of a large net's
step. torch's engine cannot be told where to write. So of a large weight that takes part in one
product alone, `inputs @ weight`, the engine is asked for the gradient of the product; what that
makes the weight's is computed here, by the kernel that torch would have called.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeGuard

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge
from torch.nn import Parameter

from onfit.engine.backward import Gradients, gradients, nodes_of

# glibc's DEFAULT_MMAP_THRESHOLD_MAX: what is as large goes back to the system, however often it
# is asked for.
LARGE = 32 << 20  # bytes

# Where a product keeps its left side, and which of the nodes before it is that of its right side.
_LEFT = {"AddmmBackward0": "_raw_saved_mat1", "MmBackward0": "_raw_saved_self"}
_RIGHT = {"AddmmBackward0": 2, "MmBackward0": 1}

_Uses = dict[Any, list[tuple[Any, int]]]


def is_large(param: Tensor) -> bool:
    """Whether it is worth it, and possible, to keep the memory of its gradient."""
    return (
        type(param) in (Tensor, Parameter)  # others may lie elsewhere than they say
        and param.is_cpu
        and param.ndim == 2
        and param.nbytes >= LARGE
        and param.is_contiguous()
        and not param._backward_hooks  # who looks at a gradient may keep it
    )


class LargeGradients:
    """Computes what `gradients` does, large ones in memory that stays.

    So they last until the next ones are computed: whoever wants one for longer copies it.
    """

    def __init__(self) -> None:
        self._memory: dict[Tensor, Tensor] = {}  # of each weight its last gradient

    def __call__(self, loss: Tensor, params: Sequence[Tensor]) -> Gradients:
        """The gradient of `loss` by each of `params`; None where it does not depend on one."""
        places = {param: place for place, param in enumerate(params) if is_large(param)}
        products = _products_with(places, loss) if places else {}
        inputs: list[Tensor | GradientEdge] = list(params)
        for param, product in products.items():
            inputs[places[param]] = GradientEdge(product.node, 0)
        found = list(gradients(loss, inputs))
        memory, self._memory = self._memory, {}
        with torch.no_grad():
            for param, product in products.items():
                of_product = found[places[param]]
                if of_product is not None:
                    gradient = product.gradient(of_product, out=memory.get(param))
                    found[places[param]] = self._memory[param] = gradient
        return found


class _Product(NamedTuple):
    """`left @ weight`, or `left @ weight.T` if it is transposed, and its node in the graph."""

    node: Any
    left: Tensor
    transposed: bool

    def gradient(self, of_product: Tensor, out: Tensor | None) -> Tensor:
        """The gradient by the weight, of that by the product."""
        if self.transposed:
            return torch.mm(of_product.t(), self.left, out=out)
        return torch.mm(self.left.t(), of_product, out=out)


def _products_with(params: dict[Tensor, int], loss: Tensor) -> dict[Tensor, _Product]:
    """For each of `params` the product it takes part in, if that is all it does for `loss`."""
    uses: _Uses = defaultdict(list)
    for node in nodes_of(loss):
        for place, (source, _) in enumerate(node.next_functions):
            uses[source].append((node, place))
    leaves = {source.variable: source for source in uses if hasattr(source, "variable")}
    found = {param: _product_with(leaves[param], uses) for param in params if param in leaves}
    return {param: product for param, product in found.items() if _pays(product, param)}


def _pays(product: _Product | None, param: Tensor) -> TypeGuard[_Product]:
    """Of many rows the product itself takes so long that its memory does not matter."""
    return (
        product is not None
        and product.left.layout is torch.strided
        and product.left.nbytes <= param.nbytes
    )


def _product_with(leaf: Any, uses: _Uses) -> _Product | None:
    node, place = _only_use(leaf, uses)
    transposed = node is not None and node.name() == "TBackward0"
    if transposed:
        node, place = _only_use(node, uses)
    if node is None or place != _RIGHT.get(node.name()) or getattr(node, "_saved_alpha", 1) != 1:
        return None
    left = _saved(getattr(node, _LEFT[node.name()]))
    return None if left is None else _Product(node, left, transposed)


def _only_use(source: Any, uses: _Uses) -> tuple[Any, int | None]:
    """The one node that uses `source`, and as which of those before it; else None twice."""
    return uses[source][0] if len(uses[source]) == 1 else (None, None)


def _saved(slot: Any) -> Tensor | None:
    """What a node has saved for its backward pass; None if others say how it is saved.

    Those are checkpoints and the like, which want to be asked only once. They have set hooks, and
    a second pair of them is refused. Where there is none, what packs is shown what is saved.
    """
    shown: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        shown.append(tensor)
        return tensor

    try:
        slot.register_hooks(pack, lambda tensor: tensor)
    except RuntimeError:
        return None
    return shown[0]
