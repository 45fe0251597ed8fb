"""The graph of a module, found by running it."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from onfit.layers.modes import evaluating
from onfit.layers.shapes import mapped
from onfit.layers.wrappers import unwrapped


class GraphTracer:
    """Notes the arguments of the first call of a module, and can then trace the module.

    It keeps only shapes and types alive: it traces with zeros.

    Args:
        net: the module. It is watched until its first call, or until `close`.
    """

    def __init__(self, net: nn.Module) -> None:
        self._net = net
        self._call: Any = None  # arguments and named ones, with zeros for tensors
        self._problem: Exception | None = None
        self._hook = net.register_forward_pre_hook(self._note, with_kwargs=True)

    def graph_def(self) -> bytes | None:
        """The graph as a serialized GraphDef; None if the module has not been called yet.

        Raises:
            Exception: if torch, or the module's own code, cannot be traced.
        """
        if self._problem is not None:
            raise self._problem
        if self._call is None:
            return None
        # This private function gives torch's graph for TensorBoard; the public one opens a file.
        from torch.utils.tensorboard._pytorch_graph import graph

        net, tensors = self._prepared()
        with evaluating(net), _traceable():
            traced, _ = graph(net, tensors, use_strict_trace=False)  # type: ignore[no-untyped-call]
        serialized: bytes = traced.SerializeToString()
        return serialized

    def _prepared(self) -> tuple[nn.Module, tuple[Tensor, ...]]:
        """A module that takes only tensors, and the tensors."""
        net = unwrapped(self._net)
        args, kwargs = self._call
        if not kwargs and all(isinstance(arg, Tensor) for arg in args):
            return net, args
        tensors: list[Tensor] = []
        mapped(tensors.append, Tensor, self._call)
        return _Refilled(net, self._call), tuple(tensors)

    def close(self) -> None:
        """Watch no longer."""
        self._hook.remove()

    def _note(self, net: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._hook.remove()
        try:
            self._call = mapped(_zeros_like, Tensor, (args, kwargs))
        except Exception as error:  # an unusual argument must not end a training
            self._problem = error


class _Refilled(nn.Module):
    """A module that is called with its tensors alone; its other arguments are stored here."""

    def __init__(self, net: nn.Module, call: Any) -> None:
        super().__init__()
        self.net = net
        self._call = call

    def forward(self, *tensors: Tensor) -> Any:
        rest = iter(tensors)
        args, kwargs = mapped(lambda _: next(rest), Tensor, self._call)
        return self.net(*args, **kwargs)


@contextmanager
def _traceable() -> Iterator[None]:
    """A block in which torch can trace, without its messages.

    torch warns that tracing is old, and prints errors that it also raises. It also reads every
    attribute of every module to find code to export; some attributes of ours then raise an error.
    """
    with (
        warnings.catch_warnings(action="ignore"),
        redirect_stdout(io.StringIO()),
        patch.object(torch._jit_internal, "module_has_exports", lambda module: False),
    ):
        yield


def _zeros_like(tensor: Tensor) -> Tensor:
    """Zeros of the shape of `tensor`, in the memory of one number."""
    return tensor.new_zeros(()).expand(tensor.shape)
