"""The loss's gradients, for callbacks and users to look at."""

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from onfit.engine.data.arrays import samples_of
from onfit.engine.data.reading import moved
from onfit.engine.step.backward import gradients, gradients_of, waits_for_grad
from onfit.engine.step.exchange import called_alone
from onfit.engine.step.loss_and_metrics import LossAndMetrics
from onfit.layers.modes import evaluating

if TYPE_CHECKING:
    from onfit.engine.model.model import Model


def named_gradients(
    model: "Model", x: Any, y: Any, sample_weight: Any = None
) -> list[tuple[str, Tensor]]:
    """The gradients as `Model.named_gradients` documents them."""
    batch = samples_of(x, y, sample_weight, model.names)
    if model.device is not None:
        batch = moved(batch, model.device)
    judge = LossAndMetrics(model, model.compiled)
    weights = [pair for pair in model.named_weights() if pair[1].requires_grad]
    params = [param for _, param in weights]
    # cuDNN's recurrent layers give gradients in training mode only, torch's own in any.
    without_cudnn = torch.backends.cudnn.flags(enabled=False)
    with evaluating(model), called_alone(model), torch.enable_grad(), without_cudnn:
        losses, _ = judge(batch)
        # A user's hook that waits for `.grad` may train, so it is not called here.
        compute = gradients if any(map(waits_for_grad, params)) else partial(gradients_of, model)
        grads = compute(losses[0], params)
    return [
        (name, grad) for (name, _), grad in zip(weights, grads, strict=True) if grad is not None
    ]
