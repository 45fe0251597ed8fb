"""`compile(sync_batch_norm=True)`: two processes normalize as one does, over the whole batch."""

import warnings

import numpy as np
import pytest
from tests.distributed import normalized
from tests.distributed.group import Group

MORE = ["a net of torch", "ddp", "divided", "a step"]


def assert_same(found: object, expected: object) -> None:
    (history, weights), (its_history, its_weights) = found, expected  # type: ignore[misc]
    for name, values in its_history.items():
        assert history[name] == pytest.approx(values, abs=1e-6), name
    for mine, its in zip(weights, its_weights, strict=True):
        np.testing.assert_allclose(mine, its, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["a stack", *(pytest.param(name, marks=pytest.mark.slow) for name in MORE)]
)
def test_two_processes_normalize_as_one_does(pair: Group, name: str) -> None:
    first, second = pair.run(normalized.fitted, name)
    assert first[0] == second[0]
    assert_same(first, normalized.fitted(name))


@pytest.mark.slow
def test_a_process_without_a_share_does_not_count(pair: Group) -> None:
    first, _ = pair.run(normalized.fitted, "a stack", 4)  # the last batch has one sample
    assert_same(first, normalized.fitted("a stack", 4))


def test_a_net_without_normalizations_is_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "has no batch normalization" in normalized.without_layers()
