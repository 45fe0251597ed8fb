"""An optimizer's state under Keras' names: `variables`, `get_weights`, `apply_gradients` ..."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from onfit.dtypes import as_numpy
from onfit.errors import ArgumentError, NotReadyError, ShapeError
from onfit.optimizers.learning_rate import Iterations
from onfit.optimizers.rated import Rated

_State = tuple[Tensor, dict[str, Tensor]]


class SlotVariable:
    """A tensor of an optimizer's state, which can be read and assigned to like Keras' variables.

    Args:
        name: what it is called.
        tensor: the optimizer's own tensor.
    """

    def __init__(self, name: str, tensor: Tensor) -> None:
        self.name = name
        self.value = tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return tuple(self.value.shape)

    def numpy(self) -> Any:
        """A copy as an array."""
        return as_numpy(self.value).copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self.numpy(), dtype=dtype)

    @torch.no_grad()
    def assign(self, value: Any) -> None:
        """Set its numbers."""
        if tuple(np.shape(value)) != self.shape:
            raise ShapeError(
                f"{self.name} has shape {self.shape}; assign got numbers of shape "
                f"{tuple(np.shape(value))}. Pass numbers of its shape."
            )
        self.value.copy_(torch.as_tensor(np.asarray(value)))

    def __repr__(self) -> str:
        return f"<SlotVariable {self.name} of shape {self.shape}>"


class WithVariables(Rated):
    """The part of an optimizer that shows its state."""

    params: list[Tensor]
    slots: dict[str, list[Tensor]]
    # A file of Keras holds the first `together` of `slot_names` side by side, parameter after
    # parameter; each further slot follows as a whole.
    together = 1
    slot_names: tuple[str, ...]
    _excluded: tuple[frozenset[int], str] = (frozenset(), "")

    @property
    def built(self) -> bool:
        """Whether it has parameters."""
        return bool(self.params)

    def build(self, params: Sequence[Tensor]) -> None:
        """Make the state of `params`."""
        raise NotImplementedError

    def apply(
        self,
        grads: Sequence[Tensor | None],
        trainable_variables: Sequence[Tensor] | None = None,
    ) -> None:
        """Take one step."""
        raise NotImplementedError

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Tensor | None, Tensor]], **unused: Any
    ) -> Iterations:
        """Take one step, given pairs of a gradient and its parameter: see `apply`.

        Returns:
            How many steps were taken.

        Example:
            >>> from onfit.optimizers import SGD
            >>> weight = torch.ones(1)
            >>> _ = SGD(0.5).apply_gradients([(torch.ones(1), weight)])
            >>> weight
            tensor([0.5000])
        """
        pairs = list(grads_and_vars)
        if unused.keys() - {"name"}:
            raise ArgumentError(
                f"apply_gradients({next(iter(unused.keys() - {'name'}))}=...): it takes pairs of a "
                "gradient and a parameter, and nothing else."
            )
        if pairs:
            self.apply([grad for grad, _ in pairs], [param for _, param in pairs])
        return self.iterations

    @property
    def iterations(self) -> Iterations:
        """How many steps were taken."""
        raise NotImplementedError

    def _in_own_order(
        self, grads: Sequence[Tensor | None], variables: Sequence[Tensor]
    ) -> list[Tensor | None]:
        """A gradient for each of the optimizer's parameters, for which it may have to be built."""
        if not self.params:
            self.build(variables)
        places = {id(param): index for index, param in enumerate(self.params)}
        ordered: list[Tensor | None] = [None] * len(self.params)
        for grad, param in zip(grads, variables, strict=True):
            if id(param) not in places:
                raise ArgumentError(
                    f"{self.name} got the gradient of a parameter of shape {tuple(param.shape)} "
                    f"that it was not built for; it has {len(self.params)} parameters. Give each "
                    "list of parameters an optimizer of its own, or call build with all of them."
                )
            ordered[places[id(param)]] = grad
        return ordered

    # --- which parameters decay --------------------------------------------------------------

    def exclude_from_weight_decay(
        self, var_list: Sequence[Tensor] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Leave parameters out of `weight_decay`. Call it before the first step.

        Args:
            var_list: these parameters.
            var_names: those whose name has one of these texts in it (`["bias"]`).

        Raises:
            ArgumentError: if the optimizer is built.
        """
        if self.params:
            raise ArgumentError(
                "exclude_from_weight_decay: this optimizer is built already. Call it before fit."
            )
        texts = "|".join(map(re.escape, sorted(set(var_names or ()))))
        self._excluded = frozenset(map(id, var_list or ())), texts

    def _decaying(self, params: list[Tensor]) -> list[Tensor]:
        """The parameters among these that `weight_decay` is for."""
        ids, texts = self._excluded
        if not ids and not texts:
            return params
        return [param for param in params if id(param) not in ids and not _has(param, texts)]

    # --- variables ---------------------------------------------------------------------------

    def slot_order(self, indices: Sequence[int] | None = None) -> list[tuple[str, int]]:
        """Slots and indices of parameters, in the order in which Keras makes its variables.

        Args:
            indices: the parameters in Keras' order; by default in the optimizer's.
        """
        extra = [name for name in self.slots if name not in self.slot_names]
        own = list(self.slot_names)
        groups = [*([name] for name in extra), own[: self.together]]
        groups += [[name] for name in own[self.together :]]
        indices = range(len(self.params)) if indices is None else indices
        return [(name, index) for group in groups for index in indices for name in group]

    @property
    def scalars(self) -> dict[str, float]:
        """Numbers that Keras stores in a file after the slots, although `iterations` gives them."""
        return {}

    @property
    def variables(self) -> list[Any]:
        """Its steps, its learning rate (unless that follows a schedule), and its state: each can be
        read as an array, and assigned to.
        """
        first: list[Any] = [Iterations(self.batches, self, "batches")]
        first += [] if self.schedule is not None else [self.learning_rate]
        slots = [
            SlotVariable(f"{_name_of(self.params[i], i)}_{slot}", self.slots[slot][i])
            for slot, i in self.slot_order()
        ]
        return [*first, *slots]

    def get_weights(self) -> list[Any]:
        """The numbers of its `variables`, as arrays."""
        return [np.asarray(variable.numpy()) for variable in self.variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set its `variables` to what `get_weights` returned.

        Raises:
            NotReadyError: if the optimizer is not built.
            ShapeError: if their number or a shape differs; nothing is changed then.
        """
        if not self.params:
            raise NotReadyError(
                f"{self.name}.set_weights: the optimizer has no parameters yet. Call "
                "optimizer.build(model.trainable_weights) first."
            )
        mine, given = self.variables, [np.asarray(weight) for weight in weights]
        shapes = [tuple(one.shape) for one in mine], [tuple(one.shape) for one in given]
        if shapes[0] != shapes[1]:
            raise ShapeError(
                f"{self.name}.set_weights takes numbers of the shapes {shapes[0]}, and got "
                f"{shapes[1]}. Pass what get_weights of such an optimizer returned."
            )
        for variable, value in zip(mine, given, strict=True):
            variable.assign(value if value.shape else value.item())

    def state(self) -> list[Tensor]:
        """Its state, parameter after parameter. A file has to hold this and `batches`."""
        return [slot[index] for index in range(len(self.params)) for slot in self.slots.values()]

    @torch.no_grad()
    def load_state(self, batches: int, values: Sequence[Any]) -> None:
        """Restore what `state` returned.

        Raises:
            NotReadyError: if the optimizer has no parameters yet, or others.
        """
        mine = self.state()
        if [tuple(v.shape) for v in values] != [tuple(m.shape) for m in mine]:
            raise NotReadyError(
                f"{self.name}: this state belongs to other parameters: it has shapes "
                f"{[tuple(v.shape) for v in values]}, expected {[tuple(m.shape) for m in mine]}."
            )
        self.batches = int(batches)
        for slot, value in zip(mine, values, strict=True):
            slot.copy_(torch.as_tensor(value))

    def state_dict(self) -> dict[str, Any]:
        """Steps, learning rate and state as plain data and copies of tensors."""
        state = [tensor.detach().clone() for tensor in self.state()]
        rate = self.rate_state()
        return {"batches": self.batches, "learning_rate": rate, "state": state, **self.flags()}

    def flags(self) -> dict[str, Any]:
        """Further plain data that a training goes on with."""
        return {}

    def load_flags(self, state: dict[str, Any]) -> None:
        """Go on with what `flags` returned."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned.

        Raises:
            NotReadyError: if the optimizer has no parameters yet, or others.
        """
        self.load_state(state["batches"], state["state"])
        self.load_rate_state(state["learning_rate"])
        self.load_flags(state)


def _name_of(param: Tensor, index: int) -> str:
    return str(getattr(param, "name", None) or index)


def _has(param: Tensor, texts: str) -> bool:
    name = getattr(param, "name", None)
    if texts and not name:
        raise ArgumentError(
            "exclude_from_weight_decay(var_names=[...]): a parameter of shape "
            f"{tuple(param.shape)} has no name. Pass the parameters in var_list."
        )
    return bool(texts and re.search(texts, str(name)))
