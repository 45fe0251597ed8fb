"""The wait for all processes where a training begins."""

import threading
import warnings

import pytest
import torch
import torch.distributed as dist

import onfit
from onfit.engine.arriving import PATIENCE, arrive
from onfit.engine.torch_processes import TorchProcesses
from onfit.errors import ArgumentError, OnfitWarning, OutOfStepError


def test_all_go_on_when_the_last_one_has_come() -> None:
    store, came = dist.HashStore(), []

    def come(rank: int) -> None:
        arrive(store, rank, 3, "training 1")
        came.append(rank)

    threads = [threading.Thread(target=come, args=(rank,)) for rank in (0, 2)]
    for thread in threads:
        thread.start()
    assert came == []
    come(1)
    for thread in threads:
        thread.join()
    assert sorted(came) == [0, 1, 2]


def test_the_processes_that_do_not_come_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PATIENCE, "0.05")
    store = dist.HashStore()
    for rank in (1, 3):
        with pytest.raises(OutOfStepError) as caught:
            arrive(store, rank, 4, "training 2")
        missing = "processes 0, 2, 3" if rank == 1 else "processes 0, 2."
        assert f"Training 2 has begun in process {rank} of 4." in str(caught.value)
        assert f"Within 0.05 seconds nothing came of {missing}" in str(caught.value)
        assert "compile(distribution=None)" in str(caught.value)


def test_each_training_is_waited_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PATIENCE, "0.05")
    store = dist.HashStore()
    for rank in (0, 1):
        store.set(f"training 1/{rank}", "here")
    store.add("training 1/count", 1)
    arrive(store, 1, 2, "training 1")
    with pytest.raises(OutOfStepError, match="nothing came of process 0"):
        arrive(store, 1, 2, "training 2")


@pytest.mark.parametrize("given", ["soon", "0", "-1", "nan"])
def test_a_patience_that_is_no_number_of_seconds_is_an_error(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv(PATIENCE, given)
    with pytest.raises(ArgumentError, match=f"{PATIENCE}='{given}'"):
        arrive(dist.HashStore(), 0, 2, "training 1")


def test_a_run_whose_processes_nothing_connects_is_warned_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    says = r"nothing connects them.*init_process_group\(\)"
    with pytest.warns(OnfitWarning, match=says), onfit.Run(torch.nn.Linear(2, 1)):
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = onfit.Sequential([onfit.layers.Dense(1, input_dim=2)])
        model.compile("sgd", "mse", distribution=None)
        model.fit(torch.zeros(4, 2), torch.zeros(4, 1), verbose=0)


@pytest.mark.parametrize(
    ("text", "is_lost"),
    [
        ("[pair.cc:553] Connection closed by peer [127.0.0.1]:1", True),
        ("[pair.cc:537] Read error [127.0.0.1]:396: Connection reset by peer.", True),
        ("mat1 and mat2 shapes cannot be multiplied", False),
    ],
)
def test_the_error_of_a_run_that_has_lost_a_process_has_a_note(text: str, is_lost: bool) -> None:
    lasting = TorchProcesses.__new__(TorchProcesses)
    lasting.rank, lasting.world = 0, 2

    def train() -> None:
        with onfit.Run(torch.nn.Linear(2, 1)) as run:
            run.processes = lasting
            raise RuntimeError(text)

    with pytest.raises(RuntimeError) as caught:
        train()
    notes = getattr(caught.value, "__notes__", [])
    assert any("Process 0 of 2 has lost another one" in note for note in notes) is is_lost
