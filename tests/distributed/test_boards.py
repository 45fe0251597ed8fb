"""TensorBoard's histograms of weights that lie in pieces, and of nets in DDP."""

from pathlib import Path

import pytest
from tests.distributed import boards
from tests.distributed.group import Group


def assert_alike(found: object, expected: object) -> None:
    assert isinstance(found, dict)
    assert isinstance(expected, dict)
    assert found.keys() == expected.keys()
    for tag, (steps, total) in expected.items():
        assert found[tag] == (steps, pytest.approx(total, rel=1e-3, abs=1e-4)), tag


@pytest.mark.parametrize(
    "kind", ["a stack", pytest.param("a net of torch", marks=pytest.mark.slow)]
)
def test_histograms_of_weights_in_pieces_are_those_of_whole_ones(
    pair: Group, tmp_path: Path, kind: str
) -> None:
    first, second = pair.run(boards.written, kind, tmp_path / "pair")
    assert first == second  # one of them has written all
    assert_alike(first, boards.written(kind, tmp_path / "alone"))
    assert len(list((tmp_path / "pair").rglob("events.*"))) == 2  # of training, and validation


@pytest.mark.parametrize("kind", ["DDP", pytest.param("fully_shard", marks=pytest.mark.slow)])
def test_a_board_looks_at_a_wrapped_net_between_validations(
    pair: Group, tmp_path: Path, kind: str
) -> None:
    first, second = pair.run(boards.written, kind, tmp_path, 2)
    assert first == second
    assert first["end.weight_grad"][0] == first["end_out"][0] == [0, 1]


def test_embeddings_in_pieces_are_written(pair: Group, tmp_path: Path) -> None:
    found = ["embedding.tsv: 5", "end.tsv: 9"]
    assert pair.run(boards.embedded, tmp_path) == [found, found]


def test_a_full_disk_ends_no_training_of_several_processes(pair: Group, tmp_path: Path) -> None:
    (said, logs), (others, others_logs) = pair.run(boards.on_a_full_disk, tmp_path)
    assert [text.count("could not write all") for text in said] == [1]
    assert others == []
    assert logs == others_logs


def test_a_board_in_one_process_alone_is_an_error_in_all(pair: Group, tmp_path: Path) -> None:
    for text in pair.run(boards.in_one_alone, tmp_path):
        assert text.startswith("ArgumentError: what changes the model, reads weights that lie in")
