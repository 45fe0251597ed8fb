"""A model as text: `repr` gives a line, `print` that line and torch's tree of its modules."""

from typing import TYPE_CHECKING

from torch import nn

from onfit.engine.model.compilable import Compilable

if TYPE_CHECKING:
    from onfit.engine.model.model import Model


def line_of(model: "Model", kind: str) -> str:
    """A model in a line.

    Args:
        model: the model.
        kind: what it is called, such as its class.

    >>> from onfit.engine.model.sequential import Sequential
    >>> from onfit.layers import Dense
    >>> line_of(Sequential([Dense(8, input_dim=4)]), "Sequential")
    '<Sequential name=sequential, built=True, layers=1, params=40>'
    """
    if "name" not in vars(model):  # its constructor has not come that far
        return object.__repr__(model)
    params = f", params={model.count_params():,}" if model.built else ""
    return f"<{kind} name={model.name}, built={model.built}, layers={len(model.layers)}{params}>"


def tree_of(module: nn.Module) -> str:
    """The tree that torch shows of a module, with the insides of the models in it."""
    models = [inner for inner in module.modules() if isinstance(inner, Compilable)]
    if not models:
        return repr(module)
    if models == [module]:
        return nn.Module.__repr__(module)
    children = [
        f"  ({name}): {tree_of(child)}".replace("\n", "\n  ")
        for name, child in module.named_children()
    ]
    return "\n".join([f"{type(module).__name__}(", *children, ")"])
