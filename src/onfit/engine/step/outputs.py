"""The outputs of a model that only its own code knows: what they are called, and in which order."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from onfit.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable


def outputs_named_by(loss: Any) -> list[str]:
    """The names of the outputs that `compile(loss=)` speaks of: the keys of a dict; numbers, as in
    Keras 2, for a list.

    >>> outputs_named_by({"age": "mse", "kind": "hinge"}), outputs_named_by(["mse", "mae"])
    (['age', 'kind'], ['output_1', 'output_2'])
    """
    if isinstance(loss, Mapping) and loss:
        return [str(name) for name in loss]
    if isinstance(loss, (list, tuple)) and len(loss) > 1:
        return [f"output_{number}" for number, _ in enumerate(loss, start=1)]
    return ["output"]


def calls_in_order(model: "Compilable") -> Callable[[Any], Any]:
    """What computes the outputs of `model` in the order of their names."""
    return (lambda x: in_order(model, model(x))) if _may_need_order(model) else model


def _may_need_order(model: "Compilable") -> bool:
    """Whether the outputs may be a dict, or are known to the model's own code alone."""
    knows_itself = model.input_names is not None and not model.names_outputs
    return not knows_itself and model.output_names != ["output"]


def in_order(model: "Compilable", outputs: Any) -> Any:
    """Outputs in the order of their names: a dict becomes a list, or the one that it holds.

    Raises:
        ArgumentError: if the model puts out others than `compile` got losses for.
    """
    names = model.output_names
    if not _may_need_order(model):
        return outputs
    if isinstance(outputs, Mapping):
        for name in names:
            if name not in outputs:
                raise ArgumentError(
                    f"compile got a loss for the output {name!r}; {model.described} puts out "
                    f"{', '.join(map(str, outputs))}.{did_you_mean(name, map(str, outputs))}"
                )
        found = [outputs[name] for name in names]
        return found if len(names) > 1 else found[0]
    if len(names) > 1 and (not isinstance(outputs, (list, tuple)) or len(outputs) != len(names)):
        count = len(outputs) if isinstance(outputs, (list, tuple)) else 1
        raise ArgumentError(
            f"compile got losses for {len(names)} outputs ({', '.join(names)}); "
            f"{model.described} puts out {count}. Give a loss for each output."
        )
    return outputs
