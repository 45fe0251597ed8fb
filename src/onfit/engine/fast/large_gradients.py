"""Gradients of large weights, written where those of the step before were.

The C library gives memory of 32 MB and more back to the system as soon as it is free. The next
gradient of that size is asked for page by page, which takes a sixth of a large net's step. torch's
engine cannot be told where to write. So of a large weight that takes part in one product alone,
`inputs @ weight`, the engine is asked for the gradient of the product. From it the weight's own is
computed here: by the kernel that the engine would have called and, where the engine visits the
product at all, when it would have called it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge
from torch.nn import Parameter

from onfit.engine.step.backward import Gradients, engine_does_more, gradients, nodes_of

# glibc's DEFAULT_MMAP_THRESHOLD_MAX: what is as large goes back to the system, however often it
# is asked for.
LARGE = 32 << 20  # bytes

# torch's nodes that multiply: what they call their left side, and which of the nodes before them
# is that of their right side.
_LEFT = {"AddmmBackward0": "mat1", "MmBackward0": "self"}
_RIGHT = {"AddmmBackward0": 2, "MmBackward0": 1}

_Uses = dict[Any, list[tuple[Any, int]]]
_Hook = Callable[[tuple[Tensor | None]], None]


class LargeGradients:
    """Computes what `gradients` does, large ones in memory that stays.

    So these last until the next ones are computed: whoever wants one for longer copies it.
    """

    def __init__(self) -> None:
        self._steps = 0
        self._memory: dict[Tensor, Tensor | None] = {}  # of the weights that the second step finds

    def __call__(self, loss: Tensor, params: Sequence[Tensor]) -> Gradients:
        """The gradient of `loss` by each of `params`; None where it does not depend on one."""
        self._steps += 1
        if self._steps == 1:  # which leaves nothing to write over, and may be the only one
            return gradients(loss, params)
        if self._steps == 2:
            self._memory = dict.fromkeys(_candidates(loss, params))
        places = {param: place for place, param in enumerate(params) if param in self._memory}
        products = {} if engine_does_more() else _products_with(places, loss)
        memory, self._memory = self._memory, dict.fromkeys(self._memory)
        taken: dict[Tensor, Tensor] = {}
        hooks = {
            param: _hook(param, product, taken, memory[param])
            for param, product in products.items()
        }
        inputs: list[Tensor | GradientEdge] = list(params)
        for param, product in products.items():
            inputs[places[param]] = GradientEdge(product.node, 0)
        watched = [(products[param].node, hook) for param, hook in hooks.items()]
        found = _visited(watched, loss, inputs)
        for param, hook in hooks.items():
            if param not in taken:  # nothing else was asked of its product, so it was not visited
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
        for handle in handles:  # else a node would hold its hook, and that the node's graph
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
        """Whether nobody else keeps the left side for it, as checkpoints do, and others that do not
        want to be asked twice.

        They have set hooks, and a second pair of hooks is refused. With those tried here the engine
        no longer sees whether the left side was changed in place: `left` is to be asked before.
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
    """What makes, of the gradient of `product`, that of `param`, and puts it into `taken`."""
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


def _candidates(loss: Tensor, params: Sequence[Tensor]) -> list[Tensor]:
    """The weights among `params` whose gradients are better kept."""
    return [
        param
        for param, product in _products_with(params, loss).items()
        if _pays(product.left(), param) and product.saves_left_itself()
    ]


def is_large(param: Tensor) -> bool:
    """Whether it is a matrix whose gradient would be given back to the system."""
    return (
        type(param) in (Tensor, Parameter)  # others may lie elsewhere than they say
        and param.layout is torch.strided
        and param.is_cpu
        and param.is_floating_point()
        and param.ndim == 2
        and param.nbytes >= LARGE
    )


def _pays(left: Tensor, param: Tensor) -> bool:
    """Whether it is worth it: of many rows a product takes so long that its memory does not matter,
    and its inputs and outputs, held until all gradients are there, would be more than is saved.
    """
    held = len(left) * sum(param.shape)
    return type(left) is Tensor and left.layout is torch.strided and held <= param.numel()


def _products_with(params: Iterable[Tensor], loss: Tensor) -> dict[Tensor, _Product]:
    """For each large one of `params` the product it takes part in, if that is all it does for
    `loss`, and if nobody looks at its gradient.
    """
    wanted = {
        param
        for param in params
        if is_large(param) and param.is_contiguous() and not param._backward_hooks
    }
    if not wanted:
        return {}
    uses: _Uses = defaultdict(list)
    for node in nodes_of(loss):
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
        if _is_hooked(node):
            return None
        node, place = _only_use(node, uses)
    if node is None or place != _RIGHT.get(node.name()) or _is_hooked(node):
        return None
    # What a node saves has no public name: without it, the engine goes on as ever.
    known = hasattr(node, f"_raw_saved_{_LEFT[node.name()]}")
    return _Product(node, transposed) if known and getattr(node, "_saved_alpha", 1) == 1 else None


def _only_use(source: Any, uses: _Uses) -> tuple[Any, int | None]:
    """The one node that uses `source`, and as which of those before it; else None twice."""
    return uses[source][0] if len(uses[source]) == 1 else (None, None)


def _is_hooked(node: Any) -> bool:
    """Whether somebody looks at what comes into it or out of it: its hooks share a dict."""
    handles = [node.register_prehook(_nothing), node.register_hook(_nothing)]
    hooked = any(len(handle.hooks_dict_ref() or ()) > 1 for handle in handles)
    for handle in handles:
        handle.remove()
    return hooked


def _nothing(*of_node: Any) -> None:
    """A hook that does nothing."""
