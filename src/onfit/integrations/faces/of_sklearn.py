"""Which estimators of scikit-learn learn in parts, and their learning rates."""

from typing import Any


def learns_in_parts(estimator: Any) -> bool:
    """Whether `partial_fit` is scikit-learn's, so that its attributes are those of that library."""
    kinds = type(estimator).__mro__
    return any("partial_fit" in vars(kind) and _of_sklearn(kind) for kind in kinds)


def _of_sklearn(kind: type) -> bool:
    return kind.__module__.startswith("sklearn.")


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


def rate_of(estimator: Any) -> Any:
    """What has the `learning_rate` of an estimator; None if its steps depend on none."""
    if hasattr(estimator, "eta0") and _schedule(estimator) in (
        "constant",
        "invscaling",
        "adaptive",
    ):
        return _Eta0(estimator)
    return _OfPerceptron(estimator) if hasattr(estimator, "learning_rate_init") else None


def _schedule(estimator: Any) -> Any:
    return getattr(estimator, "learning_rate", None)
