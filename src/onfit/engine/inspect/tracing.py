"""The graph of a module that only running it can tell."""

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


class GraphTracer:
    """Notes what a module is first called with, and can then trace it.

    Nothing is kept alive by it but shapes and types: tracing is done with zeros.

    Args:
        net: the module. It is watched from now on, until it is called or `close` is.
    """

    def __init__(self, net: nn.Module) -> None:
        self._net = net
        self._call: Any = None  # arguments and named ones, with zeros for tensors
        self._problem: Exception | None = None
        self._hook = net.register_forward_pre_hook(self._note, with_kwargs=True)

    def graph_def(self) -> bytes | None:
        """The graph as a serialized GraphDef; None as long as the module was not called.

        Raises:
            Exception: whatever torch, or the module's own code, says against being traced.
        """
        if self._problem is not None:
            raise self._problem
        if self._call is None:
            return None
        # The one way to torch's graphs for TensorBoard that does not open a file of its own.
        from torch.utils.tensorboard._pytorch_graph import graph

        net, tensors = self._prepared()
        with evaluating(net), _traceable():
            traced, _ = graph(net, tensors, use_strict_trace=False)  # type: ignore[no-untyped-call]
        serialized: bytes = traced.SerializeToString()
        return serialized

    def _prepared(self) -> tuple[nn.Module, tuple[Tensor, ...]]:
        """A module that takes nothing but tensors, and the tensors."""
        net = getattr(self._net, "_orig_mod", self._net)  # what torch.compile was given
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
        except Exception as error:  # an odd argument is no reason to end a training
            self._problem = error


class _Refilled(nn.Module):
    """A module to be called with its tensors alone; whatever else it takes is known."""

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
    """torch warns that tracing is old, and prints what it then raises as well; and it reads every
    attribute of every module in search of code to export, which some of ours answer with an error.
    """
    with (
        warnings.catch_warnings(action="ignore"),
        redirect_stdout(io.StringIO()),
        patch.object(torch._jit_internal, "module_has_exports", lambda module: False),
    ):
        yield


def _zeros_like(tensor: Tensor) -> Tensor:
    """As many zeros as `tensor` has numbers, in the room of one."""
    return tensor.new_zeros(()).expand(tensor.shape)
