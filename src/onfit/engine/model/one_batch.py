"""What a compiled model does with one batch at a time, outside of any run."""

from typing import Any, Literal, overload

from numpy.typing import NDArray

from onfit._arguments import check_flags
from onfit.engine.data.class_weight import ForClasses
from onfit.engine.data.given import ArrayData
from onfit.engine.model import fit as fitting
from onfit.engine.model.arguments import refuse_unknown
from onfit.engine.model.compilable import Compilable


class OneBatch(Compilable):
    """The part of a model that trains on, measures and predicts for a batch that a caller has."""

    @overload
    def train_on_batch(
        self,
        x: ArrayData,
        y: ArrayData | None = None,
        sample_weight: ArrayData | None = None,
        class_weight: ForClasses | None = None,
        *,
        return_dict: Literal[True],
        reset_metrics: bool = True,
    ) -> dict[str, float]: ...
    @overload
    def train_on_batch(
        self,
        x: ArrayData,
        y: ArrayData | None = None,
        sample_weight: ArrayData | None = None,
        class_weight: ForClasses | None = None,
        return_dict: bool = False,
        reset_metrics: bool = True,
        **old: Any,
    ) -> Any: ...
    def train_on_batch(
        self,
        x: ArrayData,
        y: ArrayData | None = None,
        sample_weight: ArrayData | None = None,
        class_weight: ForClasses | None = None,
        return_dict: bool = False,
        reset_metrics: bool = True,
        **old: Any,
    ) -> Any:
        """Take one step of training; return its loss, or a list of loss and metrics.

        Args:
            x: the inputs of the batch.
            y: its targets.
            sample_weight: weight of each sample in the loss.
            class_weight: weight of each class's samples in the loss.
            return_dict: return `{name: value}`.
            reset_metrics: return the values of this batch; False for the means of all batches
                since the last call with True, or since `reset_metrics()`.
            **old: refused, with the nearest argument that there is.
        """
        refuse_unknown(OneBatch.train_on_batch, old)
        check_flags("train_on_batch", return_dict=return_dict, reset_metrics=reset_metrics)
        logs = fitting.train_on_batch(self, x, y, sample_weight, class_weight, reset_metrics)
        return logs if return_dict else scalar_or_list(logs)

    @overload
    def test_on_batch(
        self,
        x: ArrayData,
        y: ArrayData | None = None,
        sample_weight: ArrayData | None = None,
        *,
        return_dict: Literal[True],
        reset_metrics: bool = True,
    ) -> dict[str, float]: ...
    @overload
    def test_on_batch(
        self,
        x: ArrayData,
        y: ArrayData | None = None,
        sample_weight: ArrayData | None = None,
        return_dict: bool = False,
        reset_metrics: bool = True,
        **old: Any,
    ) -> Any: ...
    def test_on_batch(
        self,
        x: ArrayData,
        y: ArrayData | None = None,
        sample_weight: ArrayData | None = None,
        return_dict: bool = False,
        reset_metrics: bool = True,
        **old: Any,
    ) -> Any:
        """Measure one batch; return its loss, or a list of loss and metrics. The arguments are
        those of `train_on_batch`.
        """
        refuse_unknown(OneBatch.test_on_batch, old)
        check_flags("test_on_batch", return_dict=return_dict, reset_metrics=reset_metrics)
        logs = fitting.test_on_batch(self, x, y, sample_weight, reset_metrics)
        return logs if return_dict else scalar_or_list(logs)

    def predict_on_batch(self, x: ArrayData, **old: Any) -> NDArray[Any] | Any:
        """The outputs for one batch, as numpy."""
        refuse_unknown(OneBatch.predict_on_batch, old)
        return fitting.predict_on_batch(self, x)


def scalar_or_list(logs: dict[str, float]) -> float | list[float]:
    """What is measured, as Keras returns it: the loss alone if there is nothing else."""
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
