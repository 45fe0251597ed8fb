"""Metrics whose samples several processes measured: as if one had measured all."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchmetrics

from onfit import metrics
from onfit.errors import CapabilityError
from onfit.metrics import Metric, StatefulMetric
from onfit.metrics.foreign import TorchMetric
from onfit.metrics.own import ready_for_logs
from onfit.metrics.weighted import Weighted

DRAWN = torch.Generator().manual_seed(0)
LABELS = (torch.rand(60, 1, generator=DRAWN) > 0.4).float()
OUTPUTS = torch.rand(60, 1, generator=DRAWN)


class ShareAbove(Metric):
    """A user's metric in Keras' form: a mean, beside a number that is no sum."""

    def __init__(self) -> None:
        super().__init__(name="above")
        self.limit = 0.25
        self.seen = self.add_variable(name="seen")
        self.above = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.seen.assign_add(float(y_pred.numel()))
        self.above += float((y_pred > self.limit).sum())

    def result(self) -> Any:
        return self.above / self.seen

    def reset_state(self) -> None:
        super().reset_state()
        self.above = 0.0


MADE: dict[str, Callable[[], Any]] = {
    "precision": metrics.Precision,
    "auc": metrics.AUC,
    "rmse": metrics.RootMeanSquaredError,
    "f1": lambda: metrics.F1Score(threshold=0.5),
    "true positives": metrics.TruePositives,
    "in keras' form": ShareAbove,
    "weighted": lambda: Weighted(metrics.get("mae")),
    "auroc of torchmetrics": lambda: TorchMetric(torchmetrics.AUROC("binary")),
    "accuracy of torchmetrics": lambda: TorchMetric(torchmetrics.Accuracy("binary")),
}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("cuts", [(20, 25), (0, 60), (1, 2)])
def test_the_states_of_several_give_the_value_of_all(name: str, cuts: tuple[int, int]) -> None:
    whole = ready_for_logs(MADE[name]())
    assert isinstance(whole, StatefulMetric)
    whole.update(LABELS, OUTPUTS)
    states = []
    for part in (slice(0, cuts[0]), slice(cuts[0], cuts[1]), slice(cuts[1], 60)):
        one = ready_for_logs(MADE[name]())
        assert isinstance(one, StatefulMetric)
        if len(LABELS[part]):
            one.update(LABELS[part], OUTPUTS[part])
        states.append(one.state_dict())
    assert float(whole.value_of_all(states)) == pytest.approx(float(whole.result()), rel=1e-6)


def test_a_state_that_only_its_class_knows_is_an_error_that_says_what_to_write() -> None:
    class Longest(StatefulMetric):
        name = "longest"

        def reset(self) -> None:
            self.longest = 0.0

        def update(self, y_true: Any, y_pred: Any) -> None:
            self.longest = max(self.longest, float(y_pred.max()))

        def result(self) -> Any:
            return torch.tensor(self.longest)

    with pytest.raises(CapabilityError, match=r"Write Longest\.merged_state"):
        Longest().merged_state([{}, {}])
