"""Loops of one's own on two processes: one training, whose decisions all processes share."""

from pathlib import Path

import pytest
from tests.distributed import loops
from tests.distributed.group import Group


def test_all_processes_log_the_means_over_all_samples(pair: Group) -> None:
    first, second = pair.run(loops.histories)
    assert first == second
    assert first["rank"] == [0.5] * 3
    assert first["note"] == ["of 0"] * 3
    assert len(set(first["val_loss"])) == 3


def test_a_mean_decides_for_all(pair: Group) -> None:
    assert pair.run(loops.early_stopping) == [(2, "EarlyStopping")] * 2


def test_a_stop_in_one_process_ends_all_at_that_batch(pair: Group) -> None:
    assert pair.run(loops.stop_on_one) == [(3, "StopsOnOne", "enough")] * 2


def test_a_signal_to_one_process_ends_all_at_one_batch(pair: Group) -> None:
    assert pair.run(loops.signal_to_one) == [("exit 143", 3, "interrupted")] * 2


def test_the_main_process_writes_and_all_call_what_a_user_writes(
    pair: Group, tmp_path: Path
) -> None:
    files = ["1.pt", "2.pt", "3.pt", "log.csv"]
    assert pair.run(loops.writers, tmp_path) == [(3, 3, files), (3, 0, files)]
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert len(rows) == 4


def test_one_process_may_have_more_batches(pair: Group) -> None:
    (first, few), (second, many) = pair.run(loops.uneven)
    assert first == second == pytest.approx([1.7, 1.7])
    assert (few, many) == (6, 14)


def test_a_validation_on_one_process_is_an_error_and_no_wait(pair: Group) -> None:
    for text in pair.run(loops.validation_on_one):
        assert "elsewhere in the training" in text
