"""What Python asks of tensors, where a device is posed: where they are, and copies."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

if TYPE_CHECKING:
    from tests.posed.gpu import PosedGpu

CPU = torch.device("cpu")
_ASKED = {getattr(Tensor, f"{name}").__get__: name for name in ("device", "is_cuda", "is_cpu")}
_TO_NUMPY = (Tensor.numpy, Tensor.__array__)
_FROM_NUMBERS = ("tensor", "as_tensor", "asarray")
_LIKE = ("new_zeros", "new_ones", "new_full", "new_empty", "new_tensor")


class Calls(TorchFunctionMode):
    """Sees each call of torch's functions and of tensors' methods."""

    def __init__(self, gpu: "PosedGpu") -> None:
        super().__init__()
        self.gpu = gpu

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        gpu, kwargs = self.gpu, dict(kwargs or {})
        first = args[0] if args and isinstance(args[0], Tensor) else None
        there = first is not None and gpu.holds(first)
        if func in _ASKED and there:
            kind = gpu.device.type
            return {"device": gpu.device, "is_cuda": kind == "cuda"}.get(_ASKED[func], False)
        if func in (Tensor.to, Tensor.cpu):
            return self._moved(first, *(args[1:] if func is Tensor.to else ("cpu",)), **kwargs)
        if func in _TO_NUMPY and there:
            raise TypeError(f"a tensor on {gpu.device} cannot become an array")
        if func is Tensor.pin_memory:
            assert not there, "only what is on the CPU can be pinned"
            return first.clone()
        if func is Tensor.tolist and there:
            gpu.waits["tolist"] += 1
        return self._made(func, args, kwargs, there)

    def _made(self, func: Any, args: Any, kwargs: dict[str, Any], there: bool) -> Any:
        """What a function gives, on the device that it was asked for."""
        gpu, name = self.gpu, getattr(func, "__name__", "")
        asked = None if kwargs.get("device") is None else torch.device(kwargs["device"])
        is_there = asked is not None and asked.type == gpu.device.type
        generator = kwargs.get("generator")
        assert generator is None or not (is_there or there), "that generator draws on the CPU"
        if is_there:
            kwargs["device"] = CPU
        assert not (kwargs.pop("pin_memory", False) and is_there)
        by_python = is_there or not any(map(gpu.holds, _tensors((args, kwargs))))
        gpu.asked_by_python += by_python
        try:
            result = func(*args, **kwargs)
        finally:
            gpu.asked_by_python -= by_python
        if name in _FROM_NUMBERS and args and isinstance(args[0], Tensor):
            return result if asked is None else self._moved(args[0], asked, kwargs.get("dtype"))
        if name == "_pad_packed_sequence" and there:
            gpu.take(result[0])
        if func is Tensor.__deepcopy__ and there:
            gpu.take(result)
        if is_there:
            gpu.waits[name] += name in _FROM_NUMBERS
            for tensor in _tensors(result):
                gpu.take(tensor)
        elif asked == CPU and (name.endswith("_like") or name in _LIKE):
            gpu.give_up(result)
        return result

    def _moved(self, tensor: Any, *args: Any, **kwargs: Any) -> Tensor:
        """What `tensor.to(...)` gives: the arguments say a device, a type, or another tensor."""
        gpu, device, dtype = self.gpu, kwargs.get("device"), kwargs.get("dtype", tensor.dtype)
        for given in args:
            if isinstance(given, Tensor):
                device, dtype = gpu.device if gpu.holds(given) else CPU, given.dtype
            elif isinstance(given, torch.dtype):
                dtype = given
            elif isinstance(given, (str, torch.device)):
                device = given
        more = {key: kwargs[key] for key in ("copy", "memory_format") if key in kwargs}
        there, to = gpu.holds(tensor), None if device is None else torch.device(device)
        goes = there if to is None else to.type == gpu.device.type
        if to is not None and to.type == "meta":
            return tensor.to("meta", dtype)
        if goes == there:
            return tensor.to(dtype=dtype, **more)
        non_blocking = kwargs.get("non_blocking", False)
        assert not non_blocking or gpu.device.type == "cuda", "read before it has arrived"
        gpu.waits["to"] += bool(tensor.numel()) and not (goes and non_blocking)
        moved = tensor.to(dtype=dtype, **{**more, "copy": True})
        if goes:
            gpu.take(moved)
        else:
            gpu.asked_by_python += 1
            gpu.give_up(moved)
            gpu.asked_by_python -= 1
        return moved


def _tensors(structure: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(structure) if isinstance(leaf, Tensor)]
