"""`K.function`: the values of some symbols, given those of others."""

from collections.abc import Callable
from typing import Any

from onfit.dtypes import as_numpy
from onfit.engine.data.arrays import converted
from onfit.engine.data.reading import moved
from onfit.engine.model.functional import Functional
from onfit.errors import ArgumentError
from onfit.layers.graph import symbols_in
from onfit.layers.modes import evaluating


def function(
    inputs: Any, outputs: Any, updates: Any = None, name: str | None = None
) -> Callable[[Any], Any]:
    """A function that computes values of symbols: those within a model, say.

    Args:
        inputs: the symbols whose values it is given, such as `model.input`: one, or a list.
        outputs: the symbols whose values it gives, such as `model.layers[1].output`.
        updates: nothing; variables are assigned to where they are computed.
        name: a name for it.

    Returns:
        A function of a list of arrays, one for each input. It gives a list of numpy arrays if
        `outputs` is a list, else one. Layers compute as in prediction.

    Raises:
        ArgumentError: for `updates`, and for outputs that need other inputs.

    Example:
        >>> import numpy as np
        >>> from onfit.layers import Input
        >>> x = Input((2,))
        >>> twice = function([x], [2 * x])
        >>> twice([np.ones((1, 2))])[0].tolist()
        [[2.0, 2.0]]
    """
    if updates:
        raise ArgumentError(
            f"function(updates={updates!r}): nothing is updated when values are computed. Call "
            "variable.assign(value) where you compute."
        )
    begin = list(symbols_in(inputs))
    model = Functional(begin, list(symbols_in(outputs)), name=name)

    def compute(values: Any) -> Any:
        given = values if isinstance(values, (list, tuple)) else [values]
        batch = converted(list(given) if len(begin) > 1 else given[0], None, None, model.names)
        if model.device is not None:
            batch = moved(batch, model.device)
        with evaluating(model):
            found = model(batch.x)
        arrays = [as_numpy(each).copy() for each in (found if isinstance(found, list) else [found])]
        return arrays if isinstance(outputs, (list, tuple)) else arrays[0]

    return compute
