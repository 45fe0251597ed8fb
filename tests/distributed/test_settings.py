"""What one of several processes changes alone, which an error in all of them names."""

import pytest
from tests.distributed import settings
from tests.distributed.group import Group

APART = "ArgumentError: 2 processes were to train as one, and they use other settings: "


@pytest.mark.parametrize(
    ("what", "when", "says"),
    [
        ("rate", "epoch", "learning_rate of the optimizer is 0.001 in process 0 and 0.5 in"),
        ("rate", "batch", "learning_rate of the optimizer is 0.001 in process 0 and 0.5 in"),
        ("frozen", "begin", "trainable of dense.kernel is True in process 0 and False in"),
        ("frozen", "epoch", "trainable of dense.kernel is True in process 0 and False in"),
        ("frozen", "batch", "trainable of dense.kernel is True in process 0 and False in"),
        ("penalty", "epoch", "kernel_regularizer.l2 of dense is 0.01 in process 0 and 0.5 in"),
        ("dropout", "epoch", "rate of dropout is 0.5 in process 0 and 0.9 in process 1"),
        ("loss weight", "epoch", "loss_weights of output is 1.0 in process 0 and 2.0 in"),
        ("net's dropout", "epoch", "p of net.1 is 0.5 in process 0 and 0.9 in process 1"),
        ("group", "epoch", "learning_rate of the optimizer's group 1 is 0.2 in process 0 and 0.5"),
    ],
)
def test_what_is_set_in_one_process_alone_is_an_error_in_all(
    pair: Group, what: str, when: str, says: str
) -> None:
    for text in pair.run(settings.set_in_one, what, when):
        assert text.startswith(APART + says)


def test_what_is_set_in_all_processes_is_none(pair: Group) -> None:
    first, second = pair.run(settings.set_in_all)
    assert first == second
    assert first == ["frozen", "free"]


def test_a_fit_in_a_hook_of_the_main_process_alone_is_its_own(pair: Group) -> None:
    assert pair.run(settings.fit_on_main) == [[2, 2], []]


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "how"), [(0, "fit"), (1, "run")])
def test_a_training_that_one_process_begins_alone_names_the_other(rank: int, how: str) -> None:
    with Group(2) as group:
        found = group.run(settings.alone, rank, how)
    assert found[1 - rank] == "elsewhere"
    assert f"Training 1 has begun in process {rank} of 2" in found[rank]
    assert f"nothing came of process {1 - rank}" in found[rank]


def test_weights_that_one_process_sets_are_warned_of_in_all(pair: Group) -> None:
    for said in pair.run(settings.set_weights, (1,)):
        assert len(said) == 1
        assert said[0].startswith("2 processes were to train one model, and its weights are not")
        assert "process 0 has others than process 1." in said[0]
    assert pair.run(settings.set_weights, (0, 1)) == [[], []]


def test_a_loop_whose_processes_train_nets_of_their_own_is_warned_of(pair: Group) -> None:
    for said in pair.run(settings.in_a_loop, False):
        assert len(said) == 1
        assert "wrap the net in DistributedDataParallel" in said[0]
    assert pair.run(settings.in_a_loop, True) == [[], []]


def test_other_rates_in_a_loop_are_warned_of_and_go_on(pair: Group) -> None:
    for said in pair.run(settings.in_a_loop, True, (0.1, 0.3)):
        assert "group 0 is 0.1 in process 0 and 0.3 in process 1" in said[0]
        assert "its weights are not the same any more" in said[1]
        assert len(said) == 2
