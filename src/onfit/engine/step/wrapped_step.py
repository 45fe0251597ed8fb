"""The step of a net that needs all processes at once: its own wrapper, such as DDP or
`fully_shard`, brings gradients together, or it normalizes over the whole batch.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from onfit.core.processes import Processes
from onfit.engine.data.arrays import Samples
from onfit.engine.data.shares import size_of_share, size_of_whole, weight_of
from onfit.engine.drawing import Drawing
from onfit.engine.step.backward import Gradients, added_to
from onfit.engine.step.exchange import Exchange, OfWrapper, Statistics
from onfit.engine.step.loss_and_metrics import LossAndMetrics
from onfit.engine.step.step import ThroughEngine, TrainStep
from onfit.layers.wrappers import divides_weights, in_ddp, wrapped_for_processes
from onfit.optimizers import Optimizer
from onfit.optimizers.accumulation import WAITING, is_last, waits_for_others

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable
    from onfit.engine.step.compiled import Compiled


class WrappedTrainStep(TrainStep):
    """Takes one step of training on this process' share of a batch.

    The mean of the processes' gradients is taken. What each lowers is its loss times its
    part of the samples, so that the mean is that of the whole batch, however uneven the shares are.
    A process without a share walks along with a sample that counts nothing.

    Args:
        processes: those that have the other shares.
    """

    def __init__(
        self,
        model: "Compilable",
        compiled: "Compiled",
        *,
        processes: Processes,
        copies: bool = False,
    ) -> None:
        super().__init__(model, compiled, copies=copies)
        self._there_and_back = self._engine  # the quicker ways know no weights of losses
        self._moments = model.moments
        compiled.optimizer.exchange = self._exchange
        self._drawing = Drawing(processes, compiled.optimizer)
        self._statistics = Statistics(model) if divides_weights(model) else None

    def _through(
        self, model: "Compilable", judge: LossAndMetrics, optimizer: Optimizer
    ) -> ThroughEngine:
        self._exchange = _exchange_of(model)
        return _ByShares(model, judge, optimizer, self._exchange)

    def __call__(self, batch: Samples) -> None:
        mine = size_of_share(batch)
        if self._moments is not None:
            self._moments.counts = mine > 0
        with self._drawing.of_its_own():
            if mine:
                super().__call__(batch)
            else:
                self._walk_along(batch)
        if self._statistics is not None:
            with torch.no_grad():
                self._statistics.bring_together(mine)
        self.totals.size = size_of_whole(batch)

    def _walk_along(self, batch: Samples) -> None:
        """Take the step along the gradients of the others."""
        params = self._trainables()
        _, _, grads = self._there_and_back(batch, params)
        with torch.no_grad():
            self._move(params, grads)


class _ByShares(ThroughEngine):
    """Takes a share of a batch through a model, and back from its part in the loss of all."""

    def __init__(
        self,
        model: nn.Module,
        judge: LossAndMetrics,
        optimizer: Optimizer,
        exchange: Exchange | OfWrapper | None,
    ) -> None:
        super().__init__(model, judge, optimizer)
        self._of_wrapper = exchange if isinstance(exchange, OfWrapper) else None
        # A penalty on weights that are divided is one for all: no mean is taken of it.
        self._is_divided = divides_weights(model)

    def __call__(self, batch: Samples, params: list[Tensor]) -> tuple[list[Tensor], Any, Gradients]:
        optimizer, wrapper = self._optimizer, self._of_wrapper
        if wrapper is None or not params or not waits_for_others(optimizer):
            return self._there_and_back(batch, params)
        if not is_last(optimizer):
            with wrapper.later():
                return self._there_and_back(batch, params)
        waiting = optimizer.slots[WAITING]
        return self._there_and_back(batch, params, waiting)

    def _there_and_back(
        self, batch: Samples, params: list[Tensor], waiting: Sequence[Tensor] | None = None
    ) -> tuple[list[Tensor], Any, Gradients]:
        losses, outputs = self._judge(batch)
        compute = self.gradients or self._look(losses[0], outputs, params)
        weighed = self._weighed(losses[0], weight_of(batch))
        scaled = self._optimizer.scale_loss(weighed)
        if waiting is not None:
            grads = added_to(waiting, scaled, params, self._optimizer.scale_loss)
        else:
            grads = compute(scaled, params) if params else ()
        return losses, outputs, grads

    def _weighed(self, loss: Tensor, weight: float) -> Tensor:
        if weight == 1.0:
            return loss
        weighed = loss * weight
        for penalty in self._judge.penalties() if self._is_divided else ():
            weighed = weighed + penalty * (1.0 - weight)
        return weighed


def _exchange_of(model: nn.Module) -> Exchange | OfWrapper | None:
    """What brings gradients together: nothing but the wrapper, where that divides weights, or has
    noted a graph in which each batch ends with an exchange.
    """
    if not wrapped_for_processes(model):
        return Exchange(model)
    wrappers = in_ddp(model)
    late = wrappers and not divides_weights(model) and not any(w.static_graph for w in wrappers)
    return OfWrapper(wrappers) if late else None
