"""`compile(distribution="fsdp")` on two processes, each of which has a piece of each weight."""

from pathlib import Path

import numpy as np
import pytest
from tests.distributed import divided
from tests.distributed.group import Group
from tests.distributed.test_fits import assert_alike

import onfit

MODELS = ["a stack", *(pytest.param(n, marks=pytest.mark.slow) for n in list(divided.MODELS)[1:])]


@pytest.mark.parametrize("name", MODELS)
def test_divided_weights_train_as_one_process_does(pair: Group, name: str) -> None:
    first, second = pair.run(divided.fitted, name)
    assert first[0] == second[0]
    assert_alike(first, divided.fitted(name, None))


@pytest.mark.slow
def test_a_torch_factory_may_make_the_optimizer(pair: Group) -> None:
    factory = divided.torch.optim.Adam
    first, _ = pair.run(divided.fitted, "a stack", "fsdp", factory)
    assert_alike(first, divided.fitted("a stack", None, factory))


def test_each_process_has_a_piece_of_weights_and_state(pair: Group) -> None:
    (is_divided, weights, state), (_, others_weights, others_state) = pair.run(
        divided.of_pieces, "a stack"
    )
    assert is_divided
    whole = sum(int(np.prod(shape)) for shape in divided.sizes())
    assert weights + others_weights == whole
    assert state + others_state == 2 * whole  # Adam's two means
    assert max(weights, others_weights) < 0.7 * whole


@pytest.mark.slow
def test_callbacks_see_whole_weights(pair: Group, tmp_path: Path) -> None:
    first, second = pair.run(divided.with_callbacks, tmp_path)
    assert first == second
    history, weights = first
    assert len(history["val_loss"]) < 12
    loaded = onfit.load_model(tmp_path / "best.keras")
    for mine, its in zip(loaded.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(mine, np.asarray(its, "float32"))
    plain = divided.made("a stack", None)
    plain.load_weights(tmp_path / "best.safetensors")
    found = plain.evaluate(*divided.VALIDATION, verbose=0)
    assert found[0] == pytest.approx(min(history["val_loss"]), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("background", [False, True])
def test_a_broken_training_goes_on_as_if_it_had_run_through(
    pair: Group, tmp_path: Path, background: bool
) -> None:
    whole = pair.run(divided.with_callbacks, tmp_path / "whole")
    broken = tmp_path / "broken"
    assert pair.run(divided.with_callbacks, broken, 10, background) == [None, None]
    assert pair.run(divided.with_callbacks, broken, 0, background) == whole


@pytest.mark.slow
@pytest.mark.parametrize("world", [1, 4])
def test_another_number_of_processes_goes_on(pair: Group, tmp_path: Path, world: int) -> None:
    pair.run(divided.with_callbacks, tmp_path, 10)
    with Group(world) as others:
        found = others.run(divided.with_callbacks, tmp_path)
    assert found == [found[0]] * world


def test_each_process_writes_its_pieces_to_one_checkpoint(pair: Group, tmp_path: Path) -> None:
    (files, sizes, first), _ = pair.run(divided.left, tmp_path)
    pieces = ["pieces-00000.bin", "pieces-00001.bin"]
    assert files == ["arrays.bin", "manifest.json", *pieces, "state.json"]
    whole = sum(int(np.prod(shape)) for shape in divided.sizes())
    assert sum(sizes) == 3 * 4 * whole  # the weights, and Adam's two means of each
    assert max(sizes) < 0.7 * sum(sizes)
    assert first == {"in_pieces": 0, "shape": [4, 6], "dtype": "float32"}


@pytest.mark.slow
def test_a_damaged_piece_is_no_checkpoint(pair: Group, tmp_path: Path) -> None:
    whole = pair.run(divided.with_callbacks, tmp_path / "whole")
    broken = tmp_path / "broken"
    pair.run(divided.with_callbacks, broken, 10)
    newest = max((broken / "backup").glob("checkpoint-*")) / "pieces-00001.bin"
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)
    assert pair.run(divided.with_callbacks, broken) == whole  # from the one before


@pytest.mark.parametrize("background", [False, True])
def test_a_full_disk_in_one_process_is_an_error_in_all(
    pair: Group, tmp_path: Path, background: bool
) -> None:
    for text in pair.run(divided.on_full_disk, tmp_path, background):
        assert text.startswith("process 1 could not write its pieces of the weights")
    whole = list((tmp_path / "backup").glob("checkpoint-*"))
    assert len(whole) == background  # that of the beginning, which is written at once
    assert len(list((tmp_path / "backup").glob("*/pieces*"))) == 2 * len(whole)


def test_a_checkpoint_in_the_background_counts_once_all_have_written(
    pair: Group, tmp_path: Path
) -> None:
    first, second = pair.run(divided.written_late, tmp_path)
    assert first == second
    (there, in_the_end, saved, restored) = first
    begins, later = "checkpoint-00000000", "checkpoint-00000001"
    assert there == {4: [begins], 6: [begins]}  # two batches after the save began
    assert in_the_end == [begins, later]
    assert restored == saved


@pytest.mark.slow
def test_running_statistics_are_those_of_all(pair: Group) -> None:
    first, second = pair.run(divided.normalized)
    assert first == second


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("a stray", "CapabilityError: compile(distribution='fsdp') was asked for"),
        ("a step", "DataError: a batch of 5 samples for 2 processes"),
        ("a torch optimizer", "ArgumentError: compile(distribution='fsdp') divides"),
        ("other data", "DataError: fit was given other data in each of 2 processes"),
    ],
)
def test_what_cannot_be_divided_is_an_error_in_all(pair: Group, what: str, says: str) -> None:
    for text in pair.run(divided.refused, what):
        assert text.startswith(says)


@pytest.mark.slow
def test_an_optimizer_goes_on_with_its_state(pair: Group) -> None:
    assert pair.run(divided.goes_on_with_state) == [(True, 1)] * 2


@pytest.mark.parametrize("wrapper", ["ddp", pytest.param("fsdp", marks=pytest.mark.slow)])
def test_a_wrapped_net_takes_uneven_batches(pair: Group, wrapper: str) -> None:
    first, second = pair.run(divided.wrapped_unevenly, wrapper)
    assert first[0] == second[0]
    assert_alike(first, divided.wrapped_unevenly("none"))


@pytest.mark.parametrize("what", ["the time", "the loss of a batch"])
def test_all_take_part_in_what_the_main_process_saves(
    pair: Group, tmp_path: Path, what: str
) -> None:
    first, second = pair.run(divided.saved_by, what, tmp_path)
    assert first == second != []


@pytest.mark.parametrize("weights_only", [True, False])
def test_the_process_that_writes_alone_has_memory_for_all_weights(
    pair: Group, weights_only: bool
) -> None:
    first, second = pair.run(divided.copied_by, weights_only)
    whole = sum(int(np.prod(shape)) for shape in divided.sizes())
    assert first >= 4 * whole * (1 if weights_only else 3)
    assert second < first / 4


def test_a_divided_model_shows_what_a_whole_one_does(pair: Group) -> None:
    for found in pair.run(divided.looked_at):
        shapes = [(4, 6), (6,), (6, 6), (6,), (6, 1), (1,)]
        assert found["total"] == "Total params: 79"
        assert found["numbers"] == 79
        assert found["shapes"] == found["gradients"] == shapes
        assert found["layer"]
        assert found["moved"] == [1.0, 2.0, 0.0, 0.0, 0.0, 0.0]
        for name in ("evaluated", "predicted"):
            np.testing.assert_allclose(*found[name], atol=1e-6)
        assert found["seen"] == 3


def test_pieces_of_weights_cannot_be_trained_by_one_process(pair: Group) -> None:
    for text in pair.run(divided.left_to_itself):
        assert text.startswith("compile(distribution=None) lets each process train Sequential")
