"""`fit` on two processes: the same logs and weights as in one, for the same batches."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.distributed import fits
from tests.distributed.group import Group

SHORT = ["arrays", "column", "small batches", "loader", "sampler", "weights"]
MORE = ["dataset", "sequence", "generator", "steps"]
OTHERS = "ArgumentError: fit was asked for other things in some of 2 processes: "
CALLBACKS = (
    "ArgumentError: what changes the model, reads weights that lie in pieces, or saves the run has "
    "to be among the callbacks of every process that trains with the others: "
)
APART = "ArgumentError: 2 processes were to train as one, and they use other settings: "
FORMS = [*SHORT, *(pytest.param(form, marks=pytest.mark.slow) for form in MORE)]


def assert_alike(found: Any, expected: Any) -> None:
    history, weights = found
    assert history.keys() == expected[0].keys()
    for name, values in expected[0].items():
        assert history[name] == pytest.approx(values, abs=2e-6), name
    for mine, its in zip(weights, expected[1], strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_two_processes_log_what_one_logs(pair: Group, form: str) -> None:
    first, second = pair.run(fits.fitted, form)
    assert first[0] == second[0]
    for mine, its in zip(first[1], second[1], strict=True):
        np.testing.assert_array_equal(mine, its)
    assert_alike(first, fits.fitted(form))


def test_a_torch_optimizer_gets_the_gradients_of_all(pair: Group) -> None:
    first, _ = pair.run(fits.fitted, "arrays", "sgd")
    assert_alike(first, fits.fitted("arrays", "sgd"))


def test_a_step_of_ones_own_gets_the_gradients_of_all(pair: Group) -> None:
    first, second = pair.run(fits.own_step)
    assert first[0] == second[0]
    assert_alike(first, fits.own_step())


def test_running_statistics_are_those_of_all(pair: Group) -> None:
    first, second = pair.run(fits.with_normalization)
    for mine, its in zip(first, second, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_each_process_draws_its_own_and_the_generators_go_on_as_one(pair: Group) -> None:
    (first, after_first), (second, after_second) = pair.run(fits.dropped)
    assert all(a != b for a, b in zip(first, second, strict=True))
    assert after_first == after_second


def test_a_learning_rate_finder_suggests_one_rate_in_all(pair: Group) -> None:
    first, second = pair.run(fits.suggested)
    assert first == second
    assert len(first[1]) == 14


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("other data", "DataError: fit was given other data in each of 2 processes"),
        ("a sum", "ArgumentError: the loss BinaryCrossentropy"),
    ],
)
def test_what_cannot_be_shared_is_an_error_in_all(pair: Group, what: str, says: str) -> None:
    for text in pair.run(fits.refused, what):
        assert text.startswith(says)


def test_a_callback_that_writes_or_asks_for_a_stop_may_be_in_one_process_alone(
    pair: Group, tmp_path: Path
) -> None:
    assert pair.run(fits.callbacks_of_main, tmp_path) == [2, 2]
    assert (tmp_path / "1.pt").exists()
    assert (tmp_path / "2.pt").exists()


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("epochs", f"{OTHERS}epochs is 2 in process 0 and 3 in process 1"),
        ("validation", "DataError: fit was given other data in some of 2 processes: number of"),
        ("backup", f"{CALLBACKS}callbacks is [] in process 0 and ['BackupAndRestore'] in"),
        ("stopping", f"{CALLBACKS}callbacks is [] in process 0 and ['EarlyStopping'] in"),
        ("plateau", f"{CALLBACKS}callbacks is [] in process 0 and ['ReduceLROnPlateau'] in"),
        ("length", "DataError: fit was given other data in some of 2 processes: number of batches"),
        ("layers", f"{OTHERS}weights is [('dense.kernel', (4, 6))"),
        ("batch_size", f"{OTHERS}batch_size is 8 in process 0 and 9 in process 1"),
        ("shuffle", f"{OTHERS}shuffle is False in process 0 and True in process 1"),
        ("class_weight", f"{OTHERS}class_weight is None in process 0 and {{0: 1.0, 1: 2.0}} in"),
        ("loader", "DataError: the data ended in some of 2 processes"),
        ("rate", f"{APART}learning_rate of the optimizer is 0.001 in process 0 and 0.5 in"),
        ("frozen", f"{APART}trainable of dense.kernel is True in process 0 and False in"),
        ("generator", "DataError: the data ended in some of 2 processes"),
        ("evaluate", "OutOfStepError: process"),
        ("predict", "OutOfStepError: process"),
        ("get_weights", "OutOfStepError: process"),
        ("save_weights", "OutOfStepError: process"),
    ],
)
def test_processes_at_odds_are_an_error_in_all_and_no_wait(
    pair: Group, tmp_path: Path, what: str, says: str
) -> None:
    for text in pair.run(fits.at_odds, what, tmp_path):
        assert text.startswith(says)


def test_a_wrapped_net_may_have_data_that_are_shared_out_already(pair: Group) -> None:
    first, second = pair.run(fits.wrapped_with_data_of_its_own)
    assert first[0] == second[0]
    for mine, its in zip(first[1], second[1], strict=True):
        np.testing.assert_array_equal(mine, its)
    for mine, its in zip(first[1], fits.by_hand_in_one_process(), strict=True):
        np.testing.assert_allclose(mine, its, atol=1e-6)


def test_a_wrapped_net_whose_data_end_in_one_process_is_an_error_in_all(pair: Group) -> None:
    for text in pair.run(fits.wrapped_with_generators, 16):
        assert text.startswith("the data ended in some of 2 processes")
    assert pair.run(fits.wrapped_with_generators, 0) == ["no error"] * 2


def test_a_wrapped_net_may_have_no_share_in_a_number_of_steps(pair: Group) -> None:
    first, second = pair.run(fits.with_few_samples)
    assert first[0] == second[0]
    assert_alike(first, fits.with_few_samples())


def test_without_a_distribution_each_trains_by_itself(pair: Group) -> None:
    assert pair.run(fits.by_itself) == [1, 2]


@pytest.mark.parametrize(("freq", "form"), [("batch", "arrays"), ("epoch", "loader")])
def test_a_broken_fit_goes_on_as_if_it_had_run_through(
    pair: Group, tmp_path: Path, freq: str, form: str
) -> None:
    whole = pair.run(fits.backed_up, tmp_path / "whole", freq, 0, form)
    broken = tmp_path / "broken"
    assert pair.run(fits.backed_up, broken, freq, 10, form) == [None, None]
    assert pair.run(fits.backed_up, broken, freq, 0, form) == whole
    assert whole[0] == whole[1]


@pytest.mark.slow
@pytest.mark.parametrize("world", [1, 4])
def test_another_number_of_processes_goes_on_within_an_epoch(
    pair: Group, tmp_path: Path, world: int
) -> None:
    pair.run(fits.backed_up, tmp_path, "batch", 10)
    with Group(world) as others:
        found = others.run(fits.backed_up, tmp_path, "batch", 0)
    assert found == [found[0]] * world
    assert len(found[0][0]["val_loss"]) == 3


@pytest.mark.slow
def test_four_processes_log_what_one_logs() -> None:
    with Group(4) as group:
        for form in ("arrays", "small batches", "loader"):
            assert_alike(group.run(fits.fitted, form)[3], fits.fitted(form))
