"""The metrics by Keras' names, and as files name their classes."""

from collections.abc import Callable
from typing import Any

from onfit._types import Identifier, Mode
from onfit.errors import ArgumentError, ArgumentTypeError, did_you_mean
from onfit.losses import (
    binary_crossentropy,
    categorical_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    is_loss_function,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from onfit.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from onfit.metrics.accuracy import (
    AccuracyByShape as _AccuracyByShape,
)
from onfit.metrics.auc import AUC
from onfit.metrics.confusion import Precision, Recall
from onfit.metrics.correlation import (
    ConcordanceCorrelation,
    PearsonCorrelation,
    R2Score,
    concordance_correlation,
    pearson_correlation,
)
from onfit.metrics.error import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    cosine_similarity,
)
from onfit.metrics.f_score import F1Score, FBetaScore
from onfit.metrics.foreign import TorchMetric, is_of_torchmetrics
from onfit.metrics.iou import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
from onfit.metrics.means import MeanMetricWrapper
from onfit.metrics.metric import Metric
from onfit.metrics.outcomes import (
    FalseNegatives,
    FalsePositives,
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)
from onfit.registered import named

_Make = Callable[..., Metric]  # takes name=

# Functions of one value per sample, and the classes that are the same as objects.
_MEANS: dict[Callable[..., Any], _Make] = {
    binary_accuracy: BinaryAccuracy,
    binary_crossentropy: BinaryCrossentropy,
    categorical_accuracy: CategoricalAccuracy,
    categorical_crossentropy: CategoricalCrossentropy,
    categorical_hinge: CategoricalHinge,
    concordance_correlation: ConcordanceCorrelation,
    cosine_similarity: CosineSimilarity,
    hinge: Hinge,
    kl_divergence: KLDivergence,
    log_cosh: LogCoshError,
    mean_absolute_error: MeanAbsoluteError,
    mean_absolute_percentage_error: MeanAbsolutePercentageError,
    mean_squared_error: MeanSquaredError,
    mean_squared_logarithmic_error: MeanSquaredLogarithmicError,
    pearson_correlation: PearsonCorrelation,
    poisson: Poisson,
    sparse_categorical_accuracy: SparseCategoricalAccuracy,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
    sparse_top_k_categorical_accuracy: SparseTopKCategoricalAccuracy,
    squared_hinge: SquaredHinge,
    top_k_categorical_accuracy: TopKCategoricalAccuracy,
}
_CLASSES: dict[str, _Make] = {
    cls.__name__: cls
    for cls in (*_MEANS.values(), Accuracy, AUC, F1Score, FBetaScore, Precision, Recall,
                RootMeanSquaredError, FalseNegatives, FalsePositives, PrecisionAtRecall,
                RecallAtPrecision, SensitivityAtSpecificity, SpecificityAtSensitivity,
                TrueNegatives, TruePositives, R2Score, BinaryIoU, IoU, MeanIoU, OneHotIoU,
                OneHotMeanIoU)
}  # fmt: skip
_SHORT: dict[str, _Make] = {
    "bce": BinaryCrossentropy, "kld": KLDivergence, "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError, "mse": MeanSquaredError,
    "msle": MeanSquaredLogarithmicError,
}  # fmt: skip


def _huber(name: str) -> Metric:
    return MeanMetricWrapper(huber, name, direction="min")


def _macro_f1(name: str) -> Metric:
    """With one number for all classes, which a log can hold."""
    return F1Score(average="macro", name=name)


_LONG: dict[str, _Make] = {
    **{function.__name__: make for function, make in _MEANS.items()},
    "acc": _AccuracyByShape, "accuracy": _AccuracyByShape, "auc": AUC, "f1": _macro_f1,
    "f1_score": _macro_f1, "f_beta_score": FBetaScore, "huber": _huber,
    "log_cosh_error": LogCoshError, "precision": Precision, "recall": Recall,
    "root_mean_squared_error": RootMeanSquaredError, "r2_score": R2Score, "binary_io_u": BinaryIoU,
    "false_negatives": FalseNegatives, "false_positives": FalsePositives,
    "true_negatives": TrueNegatives, "true_positives": TruePositives,
}  # fmt: skip
# They are found by name in a file, which has their arguments.
_NEEDY = {
    "PrecisionAtRecall": "recall",
    "RecallAtPrecision": "precision",
    "IoU": "num_classes=..., target_class_ids",
    "MeanIoU": "num_classes",
    "OneHotIoU": "num_classes=..., target_class_ids",
    "OneHotMeanIoU": "num_classes",
    "SensitivityAtSpecificity": "specificity",
    "SpecificityAtSensitivity": "sensitivity",
}
_NAMED: dict[str, _Make] = {
    **{name: make for name, make in _CLASSES.items() if name not in _NEEDY},
    **_LONG,
    **_SHORT,
    **{name.upper(): make for name, make in _SHORT.items()},
    "Accuracy": _AccuracyByShape, "ACC": _AccuracyByShape, "Acc": _AccuracyByShape,
    "F1Score": _macro_f1,
    # The names of older versions.
    "cosine": CosineSimilarity, "cosine_proximity": CosineSimilarity,
    "kullback_leibler_divergence": KLDivergence, "logcosh": LogCoshError,
}  # fmt: skip


def get(identifier: Identifier) -> Metric:
    """The metric of that name, or a function of `(y_true, y_pred)` as one.

    Args:
        identifier: a Keras name, which is also the metric's name in the logs; a metric; an
            object of torchmetrics; or a function that gives a value per sample.

    Raises:
        ArgumentError: for an unknown name.
        ArgumentTypeError: for anything else that is not a metric.

    >>> get("acc").name, get("acc").direction
    ('acc', 'max')
    """
    identifier = named(identifier)
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str):
        if identifier in _NEEDY:
            raise ArgumentError(
                f"metrics=[{identifier!r}] is not all: write metrics.{identifier}"
                f"({_NEEDY[identifier]}=...)."
            )
        if identifier not in _NAMED:
            raise ArgumentError(
                f"metrics=[{identifier!r}] is not known. Known are "
                f"{', '.join(sorted({**_LONG, **_SHORT}))}; or pass a function of "
                f"(y_true, y_pred).{did_you_mean(identifier, _NAMED)}"
            )
        return _NAMED[identifier](name=identifier)
    if is_of_torchmetrics(identifier):
        return TorchMetric(identifier)
    if callable(identifier) and not isinstance(identifier, type):
        return _of_function(identifier)
    raise ArgumentTypeError(
        f"a metric is a name or a function of (y_true, y_pred); got {identifier!r} of type "
        f"{type(identifier).__name__}."
    )


def _of_function(function: Callable[..., Any]) -> Metric:
    name = getattr(function, "__name__", type(function).__name__)
    if function is accuracy:
        return _AccuracyByShape(name)
    if getattr(function, "__hash__", None) is not None and function in _MEANS:
        return _MEANS[function](name=name)
    direction: Mode | None = "min" if is_loss_function(function) else None
    return MeanMetricWrapper(function, name, direction=direction)


def from_config(class_name: str, config: dict[str, Any]) -> Metric:
    """The metric of that class.

    Raises:
        ArgumentError: for an unknown class.
    """
    if class_name not in _CLASSES:
        raise ArgumentError(f"a saved model names the metric {class_name!r}, unknown here.")
    return _CLASSES[class_name](**config)
