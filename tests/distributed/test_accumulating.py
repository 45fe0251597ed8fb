"""Gradients that accumulate are brought together once for each step of the optimizer."""

from pathlib import Path

import numpy as np
import pytest
from tests.distributed import accumulating
from tests.distributed.group import Group
from tests.distributed.test_fits import assert_alike

BATCHES = 3 * 7
STEPS = BATCHES // accumulating.EVERY
AT_THE_END = 1  # of the gradients that are left over


@pytest.mark.parametrize(
    "kind", ["a stack", pytest.param("a step of one's own", marks=pytest.mark.slow)]
)
def test_processes_exchange_gradients_once_for_each_step(pair: Group, kind: str) -> None:
    (first, left, exchanged, _), (second, others_left, _, _) = pair.run(accumulating.fitted, kind)
    assert exchanged == STEPS + AT_THE_END
    assert first[0] == second[0]
    for mine, its in zip(first[1], second[1], strict=True):
        np.testing.assert_array_equal(mine, its)
    assert left == others_left
    alone, left_alone, _, _ = accumulating.fitted(kind)
    assert_alike(first, alone)
    for mine, its in zip(left, left_alone, strict=True):
        np.testing.assert_allclose(mine, its, atol=1e-5)


def test_ddp_exchanges_gradients_once_for_each_step(pair: Group) -> None:
    (first, left, exchanged, all_of_them), (second, others_left, _, _) = pair.run(
        accumulating.fitted, "DDP"
    )
    assert exchanged == all_of_them == STEPS + AT_THE_END
    assert first[0] == second[0]
    assert left == others_left
    assert_alike(first, accumulating.fitted("one process")[0])


@pytest.mark.parametrize("kind", ["normalized", "normalized over the whole batch"])
def test_running_statistics_come_together_after_each_batch(pair: Group, kind: str) -> None:
    (first, _, exchanged, all_of_them), (second, _, _, _) = pair.run(accumulating.fitted, kind)
    assert exchanged == STEPS + AT_THE_END
    assert all_of_them >= BATCHES + STEPS
    for mine, its in zip(first[1], second[1], strict=True):
        np.testing.assert_array_equal(mine, its)
    if kind != "normalized":
        assert_alike(first, accumulating.fitted(kind)[0])


@pytest.mark.parametrize("kind", ["a stack", "DDP"])
def test_a_callback_of_one_process_sees_the_gradients_of_each_batch(pair: Group, kind: str) -> None:
    (norms, exchanged), (none, _) = pair.run(accumulating.seen, kind)
    assert (exchanged, none) == (BATCHES, [])
    alone, _ = accumulating.seen("one process" if kind == "DDP" else kind)
    np.testing.assert_allclose(norms, alone, rtol=1e-4)


@pytest.mark.parametrize("kind", ["a stack", "DDP"])
def test_the_next_training_goes_on_with_gradients_that_wait(pair: Group, kind: str) -> None:
    first, second = pair.run(accumulating.twice, kind)
    alone = accumulating.twice("one process" if kind == "DDP" else kind)
    for mine, others, its in zip(first, second, alone, strict=True):
        np.testing.assert_array_equal(mine, others)
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["a stack", pytest.param("DDP", marks=pytest.mark.slow)])
def test_a_training_that_broke_within_an_accumulation_goes_on(
    pair: Group, tmp_path: Path, kind: str
) -> None:
    whole = pair.run(accumulating.broken, kind, tmp_path / "whole", 0)
    assert pair.run(accumulating.broken, kind, tmp_path / "broken", 10) == [None, None]
    assert pair.run(accumulating.broken, kind, tmp_path / "broken", 0) == whole
    assert whole[0] == whole[1]


@pytest.mark.slow
def test_a_loss_scale_judges_the_gradients_of_each_batch(pair: Group) -> None:
    (first, _, _, exchanged), _ = pair.run(accumulating.fitted, "a stack", True)
    assert exchanged == BATCHES
    assert_alike(first, accumulating.fitted("a stack", True)[0])


def test_gradients_of_batches_cannot_be_asked_for_in_between(pair: Group) -> None:
    for text in pair.run(accumulating.watched_later):
        assert text.startswith("the gradients of each batch were asked for in the middle of a")


def test_the_documented_loop_goes_on_from_within_an_accumulation(
    pair: Group, tmp_path: Path
) -> None:
    whole = pair.run(accumulating.in_the_documents, tmp_path / "whole")
    broken = tmp_path / "broken"
    assert pair.run(accumulating.in_the_documents, broken, 10) == [None, None]
    found = pair.run(accumulating.in_the_documents, broken)
    for (loss, weights, exchanged), its, others in zip(whole, found, whole[::-1], strict=True):
        assert (loss, weights) == its[:2] == others[:2]
        assert exchanged == 2 * 3  # two steps in each of three epochs
