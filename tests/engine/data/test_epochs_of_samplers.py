"""Samplers whose order depends on the epoch, such as torch's DistributedSampler."""

import pytest
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, DistributedSampler, TensorDataset
from tqdm import tqdm

from onfit import Run
from onfit.callbacks import BackupAndRestore
from onfit.models import Model

DATA = TensorDataset(torch.arange(12.0).reshape(12, 1), torch.arange(12.0).reshape(12, 1))


class Augmented(TensorDataset):
    """Samples with noise from torch's generator."""

    def __getitem__(self, index):
        x, y = super().__getitem__(index)
        return x + torch.rand(1) / 100, y


def distributed(data=DATA, **more):
    sampler = DistributedSampler(data, num_replicas=2, rank=0, seed=3)
    return DataLoader(data, 2, sampler=sampler, **more)


def in_a_batch_sampler():
    return DataLoader(DATA, batch_sampler=BatchSampler(distributed().sampler, 2, drop_last=False))


class OwnBatchSampler:
    """A batch sampler with `set_epoch` of its own, as bucketing ones have it."""

    def __init__(self):
        self.epoch = 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        order = torch.randperm(12, generator=torch.Generator().manual_seed(self.epoch))
        return iter(order.reshape(6, 2).tolist())

    def __len__(self):
        return 6


class Prepared:
    """A loader with `set_epoch` of its own, as accelerate makes one."""

    def __init__(self):
        self.inner = distributed()

    def set_epoch(self, epoch):
        self.inner.sampler.set_epoch(epoch)

    def __iter__(self):
        return iter(self.inner)


LOADERS = {
    "sampler": distributed,
    "in a batch sampler": in_a_batch_sampler,
    "batch sampler": lambda: DataLoader(DATA, batch_sampler=OwnBatchSampler()),
    "loader": Prepared,
    "workers": lambda: distributed(num_workers=1, persistent_workers=True),
}
each_loader = pytest.mark.parametrize("make", LOADERS.values(), ids=LOADERS)


def by_hand(make, epochs):
    """The batches of each epoch, with `set_epoch` called as torch's documents say."""
    seen = []
    for epoch in epochs:
        loader = make()
        taker = loader
        if not hasattr(loader, "set_epoch"):
            taker = loader.sampler if hasattr(loader.sampler, "set_epoch") else loader.batch_sampler
        if not hasattr(taker, "set_epoch"):
            taker = taker.sampler
        taker.set_epoch(epoch)
        seen += [x.flatten().tolist() for x, _ in loader]
    return seen


class Watching(nn.Module):
    """Notes each batch that it trains on; fails at the batch of number `fail_at`."""

    def __init__(self, fail_at=None):
        super().__init__()
        self.inner, self.seen, self.fail_at = nn.Linear(1, 1), [], fail_at

    def forward(self, x):
        if self.training:
            if len(self.seen) == self.fail_at:
                raise MemoryError
            self.seen.append(x.flatten().tolist())
        return self.inner(x)


def fitted(loader, net=None, **fit):
    net = net or Watching()
    model = Model(net)
    model.compile(torch.optim.SGD(net.parameters(), lr=1e-4), "mse")
    model.fit(loader, verbose=0, **fit)
    return net.seen


def looped(loader, net=None, callbacks=(), **more):
    net = net or Watching()
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-4)
    with Run(net, list(callbacks), optimizer=optimizer, **more) as run:
        for _ in run.epochs():
            for x, _ in run.batches(loader):
                net(x)
                run.log(loss=1.0)
    return net.seen


@each_loader
def test_in_fit_each_epoch_has_its_own_order(make):
    assert fitted(make(), epochs=3) == by_hand(make, range(3))


@each_loader
def test_in_a_loop_of_ones_own_too(make):
    assert looped(make(), epochs=3) == by_hand(make, range(3))


def test_a_bar_around_the_loader_is_seen_through():
    seen = looped(tqdm(distributed(), disable=True), epochs=2)
    assert seen == by_hand(distributed, range(2))


@pytest.mark.parametrize("train", [fitted, looped])
def test_a_training_that_begins_at_a_later_epoch_has_that_epochs_order(train):
    seen = train(distributed(), initial_epoch=2, epochs=4)
    assert seen == by_hand(distributed, range(2, 4))


def test_a_second_fit_begins_with_the_order_of_its_first_epoch():
    loader = distributed()
    assert fitted(loader, epochs=2) == fitted(loader, epochs=2)


def test_epochs_of_some_steps_go_on_from_one_order_to_the_next():
    seen = fitted(distributed(), epochs=3, steps_per_epoch=2)
    assert seen == by_hand(distributed, range(2))


@pytest.mark.parametrize("train", [fitted, looped])
@pytest.mark.parametrize("fail_at", [0, 1, 4, 7])
@pytest.mark.parametrize("initial_epoch", [0, 1])
def test_a_resumed_run_has_the_same_batches(tmp_path, train, fail_at, initial_epoch):
    def begin(folder, net):
        torch.manual_seed(0)
        loader = distributed(Augmented(*DATA.tensors))
        backup = BackupAndRestore(folder, save_freq="1 batches", verbose=0)
        more = {"initial_epoch": initial_epoch, "epochs": initial_epoch + 3}
        return train(loader, net, callbacks=[backup], **more)

    whole = begin(tmp_path / "whole", Watching())
    killed = Watching(fail_at)
    with pytest.raises(MemoryError):
        begin(tmp_path / "killed", killed)
    rest = begin(tmp_path / "killed", Watching())
    assert killed.seen + rest == whole


def test_looking_at_the_first_batch_draws_no_numbers():
    def numbers(train):
        torch.manual_seed(5)
        net = Watching()
        torch.manual_seed(5)
        return train(distributed(Augmented(*DATA.tensors)), net, epochs=2)

    assert numbers(fitted) == numbers(looped)
