"""Letting callbacks see a batch, its gradients, and how many steps there were."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from onfit.errors import CapabilityError

if TYPE_CHECKING:
    from onfit.core.session import Session

_HOOK = "on_before_optimizer_step"


def shows_batches(session: "Session") -> bool:
    """Whether a user's callback is called where it can look at a batch and its gradients."""
    return session.callbacks.hear(_HOOK) or session.callbacks.heard_by_users("on_train_batch_end")


def observe_gradients(session: "Session") -> Callable[[], object] | None:
    """Ask the model for its gradients where a callback can see them: in a hook before the
    optimizer's step, or in a user's hook at the end of a batch. Without such a callback nothing is
    asked, and a step costs nothing more.

    Returns:
        A function that ends it; None if nothing was asked.

    Raises:
        CapabilityError: if a callback writes the hook, and the model cannot say when its optimizer
            steps.
    """
    _show_steps(session)
    if not shows_batches(session):
        return None
    hooked = session.callbacks.hear(_HOOK)
    observe = getattr(session.model, "observe_gradients", None)
    if observe is None and hooked:
        kind = type(session.callbacks.of(_HOOK)[0].callback).__name__
        raise CapabilityError(
            f"{kind}.{_HOOK} is called before the optimizer steps, and nothing says when that of "
            f"{type(session.model).__name__} does. Train a torch module with a torch optimizer, "
            "Run(net, callbacks, optimizer=optimizer), or write on_train_batch_end instead."
        )

    if observe is None:
        return None
    end: Callable[[], object] = observe(session.before_optimizer_step if hooked else None)
    return end


def _show_steps(session: "Session") -> None:
    """Let an optimizer that the loop steps itself, and that cannot count its steps, show in
    `iterations` how many batches are done.
    """
    optimizer: Any = getattr(session.model, "optimizer", None)
    if getattr(optimizer, "keeps_gradients", False) and hasattr(optimizer, "progress"):
        optimizer.progress = session.progress
