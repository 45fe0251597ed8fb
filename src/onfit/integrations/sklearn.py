"""Estimators of scikit-learn that learn by `partial_fit`, in a loop of one's own.

`Run(estimator, callbacks)` finds this module by itself.
"""

import os
from collections.abc import Iterable
from typing import Any, ClassVar

from onfit.core.faces import HasLearningRate, HasWeights, with_stop_flag
from onfit.errors import FileFormatError
from onfit.integrations.array_files import Array
from onfit.integrations.arrays import NamedArrays
from onfit.integrations.sklearn_state import learned, put_learned, to_arrays, to_state

_EMPTY = "an estimator that has learned nothing"
_OWN = ("estimator", "optimizer")


def adapt(estimator: Any, optimizer: Any = None) -> Any:
    """The face of an estimator. One that cannot learn in parts stays as it is, with the flag by
    which callbacks ask for a stop.
    """
    if not _learns_in_parts(estimator) or isinstance(estimator, HasWeights):
        return with_stop_flag(estimator, optimizer)
    return EstimatorFace(estimator, optimizer)


def face(estimator: Any) -> Any:
    """The same, for an estimator that the loop holds itself."""
    return adapt(estimator)


def _learns_in_parts(estimator: Any) -> bool:
    """Whether `partial_fit` is scikit-learn's, so that its attributes are those of that library."""
    kinds = type(estimator).__mro__
    return any("partial_fit" in vars(kind) and _of_sklearn(kind) for kind in kinds)


def _of_sklearn(kind: type) -> bool:
    return kind.__module__.startswith("sklearn.")


class EstimatorFace(NamedArrays):
    """What callbacks see as `self.model` of an estimator. Its weights are all that it has learned.

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
        vars(self)["optimizer"] = optimizer or _rate_of(estimator)
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

    def load_weights(self, filepath: Any) -> None:
        """Read what an estimator of this class had learned, from a file that `save` wrote. The
        estimator may be new.
        """
        super().load_weights(filepath)

    def require_mine(self, arrays: dict[str, Array], source: str) -> None:
        _require_same(to_state(arrays, source), self._state(), source)

    def state_for_resume(self) -> dict[str, Any]:
        rate = None if self.optimizer is None else float(self.optimizer.learning_rate)
        return {**self._state(), "rate": rate}

    def load_state_for_resume(self, state: dict[str, Any]) -> None:
        _require_same(state, self._state(), "the checkpoint")
        put_learned(self.estimator, state["learned"])
        if self.optimizer is not None and state["rate"] is not None:
            self.optimizer.learning_rate = state["rate"]

    def _state(self) -> dict[str, Any]:
        return {"kind": type(self.estimator).__name__, "learned": learned(self.estimator)}

    def _put(self, arrays: dict[str, Array], source: str) -> None:
        self.require_mine(arrays, source)
        self.put(arrays)


def _require_same(its: dict[str, Any], mine: dict[str, Any], source: str) -> None:
    here, there = _facts(mine), _facts(its)
    if any(here[name] != there.get(name) for name in here):
        raise FileFormatError(
            f"{os.fspath(source)} is of another estimator.\n"
            f"  it has:             {there}\n"
            f"  this estimator has: {here}\n"
            "Make the estimator as it was, or choose another file."
        )


def _facts(state: dict[str, Any]) -> dict[str, Any]:
    """The class, and how many features and which classes it has learned of, if any."""
    found = state["learned"]
    classes = found.get("classes_")
    facts = {"class": state["kind"], "features": found.get("n_features_in_")}
    facts["classes"] = None if classes is None else list(classes)
    return {name: fact for name, fact in facts.items() if fact is not None}


class _Eta0:
    """The rate of a linear model: its `eta0`."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    @property
    def learning_rate(self) -> float:
        return float(self._estimator.eta0)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._estimator.eta0 = float(value)


class _OfPerceptron:
    """The rate of a multi-layer perceptron: that of its optimizer, once it has one."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    @property
    def learning_rate(self) -> float:
        return float(self._estimator.learning_rate_init)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._estimator.learning_rate_init = float(value)
        optimizer = getattr(self._estimator, "_optimizer", None)
        if optimizer is not None:
            optimizer.learning_rate_init = optimizer.learning_rate = float(value)


def _rate_of(estimator: Any) -> Any:
    if hasattr(estimator, "eta0") and _schedule(estimator) in (
        "constant",
        "invscaling",
        "adaptive",
    ):
        return _Eta0(estimator)
    return _OfPerceptron(estimator) if hasattr(estimator, "learning_rate_init") else None


def _schedule(estimator: Any) -> Any:
    return getattr(estimator, "learning_rate", None)
