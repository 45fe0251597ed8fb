"""Estimators of scikit-learn that learn by `partial_fit`, in a loop of one's own.

`Run(estimator, callbacks)` finds this module by itself.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from onfit.core.faces import HasLearningRate, HasWeights, with_stop_flag
from onfit.integrations.faces.array_files import Array
from onfit.integrations.faces.arrays import NamedArrays
from onfit.integrations.faces.learned import (
    learned,
    put_learned,
    require_same,
    to_arrays,
    to_state,
)
from onfit.integrations.faces.of_sklearn import learns_in_parts, rate_of

_OWN = ("estimator", "optimizer")


def adapt(estimator: Any, optimizer: Any = None) -> Any:
    """The face of an estimator. One that cannot learn in parts stays as it is, with the flag by
    which callbacks ask for a stop.
    """
    if not learns_in_parts(estimator) or isinstance(estimator, HasWeights):
        return with_stop_flag(estimator, optimizer)
    return EstimatorFace(estimator, optimizer)


def face(estimator: Any) -> Any:
    """The same, for an estimator that the loop holds itself."""
    return adapt(estimator)


class EstimatorFace(NamedArrays):
    """What callbacks see as `self.model` of an estimator. Its weights are all that it has learned;
    `load_weights` reads them from a file, also into a new estimator of the class.

    Attributes are read from the estimator, and set on it.

    Args:
        estimator: an estimator with `partial_fit`.
        optimizer: what has the learning rate; by default the estimator's `eta0`, or the
            `learning_rate_init` of a multi-layer perceptron, if its steps depend on it.

    Example:
        >>> from sklearn.linear_model import SGDRegressor
        >>> estimator = EstimatorFace(SGDRegressor(random_state=0)).estimator
        >>> estimator.partial_fit([[1.0], [2.0]], [1.0, 2.0]).coef_.shape
        (1,)
    """

    hints_for_callbacks: ClassVar = {
        HasLearningRate: "A rate is the eta0 of a linear model whose learning_rate is 'constant', "
        "'invscaling' or 'adaptive', or the learning_rate_init of a multi-layer perceptron. Choose "
        "such an estimator, pass optimizer= to Run, or leave the callback out."
    }

    def __init__(self, estimator: Any, optimizer: Any = None) -> None:
        vars(self)["estimator"] = estimator
        vars(self)["optimizer"] = optimizer or rate_of(estimator)
        self.stop_training = False

    def __getattr__(self, name: str) -> Any:
        if name in _OWN:  # in a copy that is being made
            raise AttributeError(name)
        return getattr(self.estimator, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.estimator, name, value)

    def arrays(self) -> dict[str, Array]:
        return to_arrays(self._state())

    def put(self, arrays: dict[str, Array]) -> None:
        put_learned(self.estimator, to_state(arrays)["learned"])

    def set_weights(self, weights: list[Array]) -> None:
        self.put(dict(zip(self.arrays(), weights, strict=True)))

    def named_weights(self) -> Iterable[tuple[str, Array]]:
        return ((name, one) for name, one in super().named_weights() if not name.startswith("_"))

    def require_mine(self, arrays: dict[str, Array], source: str) -> None:
        require_same(to_state(arrays, source), self._state(), source)

    def state_for_resume(self) -> dict[str, Any]:
        rate = None if self.optimizer is None else float(self.optimizer.learning_rate)
        return {**self._state(), "rate": rate}

    def load_state_for_resume(self, state: dict[str, Any]) -> None:
        require_same(state, self._state(), "the checkpoint")
        put_learned(self.estimator, state["learned"])
        if self.optimizer is not None and state["rate"] is not None:
            self.optimizer.learning_rate = state["rate"]

    def _state(self) -> dict[str, Any]:
        return {"kind": type(self.estimator).__name__, "learned": learned(self.estimator)}

    def _put(self, arrays: dict[str, Array], source: str) -> None:
        self.require_mine(arrays, source)
        self.put(arrays)
