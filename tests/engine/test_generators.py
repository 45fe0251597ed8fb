"""Random generators of GPUs, where there is none: those that stand in have one number each."""

from types import SimpleNamespace

import torch

from onfit.engine.drawing import Drawing
from onfit.engine.torch_package import Torch


class Generators:
    """The generators of a machine's GPUs, as torch has them."""

    def __init__(self, states):
        self.states = states
        self.default_generators = [Generator(states, number) for number in range(len(states))]

    def get_rng_state(self, gpu):
        return self.states[gpu if isinstance(gpu, int) else gpu.index]

    def set_rng_state(self, state, gpu):
        self.states[gpu] = state

    def get_rng_state_all(self):
        return list(self.states)

    def is_initialized(self):
        return True

    def device_count(self):
        return len(self.states)


class Generator:
    def __init__(self, states, number):
        self.states, self.number = states, number

    def manual_seed(self, seed):
        self.states[self.number] = torch.tensor([seed % 256], dtype=torch.uint8)


def states(*numbers):
    return [torch.tensor([number], dtype=torch.uint8) for number in numbers]


def test_generators_of_gpus_are_saved_and_go_on_where_there_are_fewer(monkeypatch):
    monkeypatch.setattr(torch, "cuda", Generators(states(1, 2, 3)))
    saved = Torch().random_state()
    monkeypatch.setattr(torch, "cuda", Generators(states(8, 9)))
    Torch().set_random_state(saved)
    assert torch.cuda.states == states(1, 2)


def test_so_is_that_of_apples_gpu(monkeypatch):
    state = states(5)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: state[0])
    monkeypatch.setattr(torch.mps, "set_rng_state", state.append)
    saved = Torch().random_state()
    Torch().set_random_state(saved)
    assert state == states(5, 5)


def test_each_process_draws_on_the_gpu_that_its_weights_are_on(monkeypatch):
    monkeypatch.setattr(torch, "cuda", Generators(states(1, 2)))
    weight = SimpleNamespace(is_cuda=True, device=torch.device("cuda", 1))
    optimizer = SimpleNamespace(params=[weight], batches=3)
    drawn = []
    for rank in range(2):
        processes = SimpleNamespace(world=2, rank=rank)
        with Drawing(processes, optimizer).of_its_own():
            drawn.append(list(torch.cuda.states))
    assert torch.cuda.states == states(1, 2)
    assert drawn[0][0] == drawn[1][0] == states(1)[0]
    assert drawn[0][1] != drawn[1][1]
