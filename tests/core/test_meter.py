"""RunningMeans: sample-weighted means of numbers of any framework."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from onfit.core.logs import Logs
from onfit.core.meter import RunningMeans, as_number, frozen


def epoch_logs(means, prefix=""):
    logs = Logs()
    means.report_epoch(logs, prefix)
    return logs


def batch_logs(means):
    logs = Logs()
    means.report_batch(logs)
    return logs


@pytest.mark.parametrize("number", [float, np.float64, np.float32, np.asarray, torch.tensor])
def test_means_weigh_each_batch_by_its_size(number):
    means = RunningMeans()
    means.add({"loss": number(1.0)}, size=32)
    means.add({"loss": number(2.0)}, size=8)
    assert epoch_logs(means)["loss"] == pytest.approx(1.2)
    assert type(epoch_logs(means)["loss"]) is float
    assert batch_logs(means) == {"loss": 2.0}


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(1, 512)), min_size=1))
def test_means_are_those_of_all_samples(batches):
    means = RunningMeans()
    for value, size in batches:
        means.add({"loss": value}, size)
    samples = [value for value, size in batches for _ in range(size)]
    assert epoch_logs(means)["loss"] == pytest.approx(np.mean(samples), rel=1e-6, abs=1e-6)


def test_a_name_logged_now_and_then_is_averaged_over_its_own_batches():
    means = RunningMeans()
    means.add({"loss": 1.0, "gan": 4.0}, size=1)
    means.add({"loss": 3.0}, size=1)
    assert epoch_logs(means) == {"loss": 2.0, "gan": 4.0}
    assert batch_logs(means) == {"loss": 3.0}


def test_a_prefix_is_put_before_every_name():
    means = RunningMeans()
    means.add({"loss": 1.0}, size=1)
    assert epoch_logs(means, "val_") == {"val_loss": 1.0}


def test_a_reset_forgets_everything():
    means = RunningMeans()
    means.add({"loss": 1.0}, size=1)
    means.reset()
    assert epoch_logs(means) == batch_logs(means) == {}


def test_nothing_is_read_before_somebody_reads_the_logs():
    class Counting(float):
        reads = 0
        ndim = 0

        def __mul__(self, other):
            return self

        def __radd__(self, other):
            return self

        def __truediv__(self, other):
            return self

        def item(self):
            Counting.reads += 1
            return float(self)

    means = RunningMeans()
    means.add({"loss": Counting(2)}, size=1)
    logs = epoch_logs(means)
    assert Counting.reads == 0
    assert logs["loss"] == 2.0
    assert Counting.reads == 1


def test_logs_keep_the_values_of_their_moment():
    means = RunningMeans()
    kept = []
    for value in (1.0, 2.0, 3.0):
        means.add({"loss": torch.tensor(value)}, size=1)
        kept.append((batch_logs(means), epoch_logs(means)))
    means.reset()
    assert [batch["loss"] for batch, _ in kept] == [1.0, 2.0, 3.0]
    assert [epoch["loss"] for _, epoch in kept] == [1.0, 1.5, 2.0]


def test_what_happens_to_a_tensor_later_does_not_show():
    loss = torch.tensor(1.0)
    means = RunningMeans()
    means.add({"loss": loss}, size=2)
    logs = batch_logs(means)
    loss += 41
    assert logs["loss"] == 1.0
    assert epoch_logs(means)["loss"] == 1.0


def test_no_graph_is_kept_alive():
    loss = torch.tensor(1.0, requires_grad=True) * 2
    assert frozen(loss) == loss.item()  # a number, since it is there already
    assert frozen(loss.expand(2)).grad_fn is None
    assert frozen(loss) is not loss
    assert frozen(0.5) == 0.5


def test_scalars_become_numbers_and_the_rest_stays():
    vector = np.zeros(2)
    assert as_number(torch.tensor(0.5)) == 0.5
    assert type(as_number(np.float32(0.5))) is float
    assert type(as_number(np.int64(3))) is int
    assert type(as_number(torch.ones(1))) is type(as_number(np.ones((1, 1)))) is float
    assert as_number(vector) is vector
    assert as_number("text") == "text"
