"""BackupAndRestore on two processes: one checkpoint, and a run that goes on as if never killed."""

from pathlib import Path

import pytest
from tests.distributed import loops
from tests.distributed.group import Group


@pytest.mark.parametrize(("freq", "breaks_at"), [("batch", 3), ("epoch", 3), ("0.001 seconds", 4)])
def test_a_broken_run_goes_on_as_if_it_had_run_through(
    pair: Group, tmp_path: Path, freq: str, breaks_at: int
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    unbroken = pair.run(loops.backed_up, whole, freq, None)
    assert pair.run(loops.backed_up, broken, freq, breaks_at) == [None, None]
    assert list((broken / "backup").glob("checkpoint-*"))
    assert pair.run(loops.backed_up, broken, freq, None) == unbroken
    assert (broken / "log.csv").read_bytes() == (whole / "log.csv").read_bytes()
    assert not (broken / "backup").exists()
    (history, weights, drawn), (others_history, others_weights, others_drawn) = unbroken
    assert (history, weights) == (others_history, others_weights)
    assert drawn != others_drawn


def test_time_that_is_up_in_one_process_pauses_all(pair: Group, tmp_path: Path) -> None:
    whole = pair.run(loops.saved, tmp_path / "whole", "epoch", 3)
    first, second = pair.run(loops.time_is_up, tmp_path / "paused")
    assert first == second
    step, outcome, losses = first
    assert 0 < step < 6
    assert outcome == "stopped"
    assert losses == whole[0]


@pytest.mark.slow
@pytest.mark.parametrize("world", [1, 4])
def test_another_number_of_processes_goes_on_at_the_end_of_an_epoch(
    pair: Group, tmp_path: Path, world: int
) -> None:
    whole = pair.run(loops.saved, tmp_path / "whole", "epoch", 4)
    pair.run(loops.saved, tmp_path / "parts", "epoch", 2)
    with Group(world) as others:
        found = others.run(loops.saved, tmp_path / "parts", "epoch", 4)
    assert found == [found[0]] * world
    assert len(found[0]) == 4
    assert found[0] == pytest.approx(whole[0], rel=1e-5)


@pytest.mark.slow
def test_shares_of_a_loader_cannot_be_divided_anew_within_an_epoch(
    pair: Group, tmp_path: Path
) -> None:
    pair.run(loops.saved_within_an_epoch, tmp_path)
    with Group(4) as others:
        for text in others.run(loops.saved_within_an_epoch, tmp_path):
            assert "Go on with 2 processes" in text
