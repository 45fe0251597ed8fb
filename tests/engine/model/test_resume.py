"""fit goes on from a checkpoint: with the same data in the same order, or not at all."""

import random

import numpy as np
import pytest
import torch
from tests.engine.data.data_forms import batches_of
from torch.utils.data import DataLoader, Dataset, IterableDataset, RandomSampler

import onfit
from onfit import layers, optimizers
from onfit.callbacks import BackupAndRestore, Callback, ModelCheckpoint
from onfit.core.resuming import again, position_in, start_of
from onfit.errors import FileFormatError
from onfit.storage.checkpoints import CheckpointManager

X = torch.arange(48.0).reshape(24, 2) / 48
Y = X.sum(1, keepdim=True)


class Killed(BaseException):
    """What takes the place of a kill."""


class KillAt(Callback):
    """Kills once, at the end of a batch of the whole run."""

    remembers = ()
    called_last = True

    def __init__(self, step):
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if self.run.progress.step == self.step:
            raise Killed


def made(optimizer="sgd", units=3, metrics=None):
    torch.manual_seed(0)
    model = onfit.Sequential(
        [layers.Dense(units, input_shape=(2,)), layers.Dropout(0.5), layers.Dense(1)]
    )
    model.compile(optimizer, "mse", metrics=metrics)
    return model


def fit(folder, x, y=None, *, kill=None, model=None, extra=(), **more):
    """Train from the same seeds; the model and what it has seen."""
    random.seed(7)
    np.random.seed(7)
    model = made() if model is None else model
    torch.manual_seed(7)
    backup = BackupAndRestore(folder / "backup", save_freq="batch", verbose=0)
    callbacks = [*extra, backup, *([KillAt(kill)] if kill else [])]
    arguments = {"epochs": 3, "verbose": 0, "callbacks": callbacks, **more}
    if kill is None:
        model.fit(x, y, **arguments)
        return model
    with pytest.raises(Killed):
        model.fit(x, y, **arguments)
    return model


def same(a, b) -> bool:
    return all(np.array_equal(m, n) for m, n in zip(a.get_weights(), b.get_weights(), strict=True))


class Noisy(Dataset):
    """Samples with noise of every generator; counts how many were made."""

    def __init__(self):
        self.made = 0

    def __len__(self):
        return len(X)

    def __getitem__(self, index):
        self.made += 1
        noise = random.random() + np.random.random() + torch.rand(1)
        return X[index] + noise.float(), Y[index]


class Stream(IterableDataset):
    def __iter__(self):
        return ((x + torch.rand(2), y) for x, y in zip(X, Y, strict=True))


class Walked:
    """What can be walked through and knows nothing of torch."""

    def __iter__(self):
        return ((X[at : at + 4] + np.random.random(), Y[at : at + 4]) for at in range(0, 24, 4))


def noisy_generator():
    while True:
        for start in range(0, 24, 4):
            yield X[start : start + 4] + np.random.random(), Y[start : start + 4]


SOURCES = {
    "shuffled": lambda: DataLoader(Noisy(), 4, shuffle=True),
    "own generator": lambda: DataLoader(
        Noisy(), 4, shuffle=True, generator=torch.Generator().manual_seed(1)
    ),
    "with replacement": lambda: DataLoader(
        Noisy(), 4, sampler=RandomSampler(X, replacement=True, num_samples=40)
    ),
    "stream": lambda: DataLoader(Stream(), 4),
    "dataset": Noisy,
    "iterable": Walked,
}


@pytest.mark.parametrize(("steps", "kill"), [(None, 4), (None, 12), (2, 7), (5, 8)])
@pytest.mark.parametrize("name", SOURCES)
def test_a_run_goes_on_with_the_same_batches(tmp_path, name, steps, kill):
    more = {"steps_per_epoch": steps, "epochs": 5 if steps == 2 else 3}
    more |= {"batch_size": 4} if name == "dataset" else {}
    whole = fit(tmp_path / "whole", SOURCES[name](), **more)
    fit(tmp_path / "cut", SOURCES[name](), kill=kill, **more)
    assert same(fit(tmp_path / "cut", SOURCES[name](), **more), whole)


@pytest.mark.parametrize("kill", [1, 4, 9])
def test_a_generator_is_gone_through_up_to_there(tmp_path, kill, capsys):
    whole = fit(tmp_path / "whole", noisy_generator(), steps_per_epoch=4)
    fit(tmp_path / "cut", noisy_generator(), kill=kill, steps_per_epoch=4)
    assert same(fit(tmp_path / "cut", noisy_generator(), steps_per_epoch=4), whole)
    assert f"Loading {kill} batches of this epoch again" in capsys.readouterr().out


def test_a_run_can_be_killed_again_and_again(tmp_path):
    source = SOURCES["own generator"]
    whole = fit(tmp_path / "whole", source())
    for kill in (2, 5, 6, 8, 13, 18):
        fit(tmp_path / "cut", source(), kill=kill)
    assert same(fit(tmp_path / "cut", source()), whole)


def test_a_loader_that_loads_here_makes_no_batch_twice(tmp_path):
    fit(tmp_path, DataLoader(Noisy(), 4), kill=5, epochs=1)
    noisy = Noisy()
    fit(tmp_path, DataLoader(noisy, 4), epochs=1)
    assert noisy.made == 8  # a batch to learn shapes from, and the one that was missing


def test_what_has_to_be_loaded_again_is_told_once(tmp_path, capsys):
    def source():
        return DataLoader(Noisy(), 4, shuffle=True, num_workers=1)

    whole = fit(tmp_path / "whole", source(), epochs=2)
    fit(tmp_path / "cut", source(), kill=3, epochs=2)
    capsys.readouterr()
    assert same(fit(tmp_path / "cut", source(), epochs=2), whole)
    assert capsys.readouterr().out == (
        "Loading 3 batches of this epoch again, to go on after them (torchdata's "
        "StatefulDataLoader would go on at once).\n"
    )


class Stateful:
    """A loader that knows where it is, as torchdata's does."""

    def __init__(self):
        self.made, self._next, self._from = [], 0, 0

    def __len__(self):
        return 6

    def __iter__(self):
        begin, self._from = self._from, 0
        for index in range(begin, 6):
            self._next = index + 1
            self.made.append(index)
            yield X[index * 4 : index * 4 + 4], Y[index * 4 : index * 4 + 4]

    def state_dict(self):
        return {"next": self._next}

    def load_state_dict(self, state):
        self._from = state["next"] % 6


@pytest.mark.parametrize("kill", [3, 6, 8, 12])
def test_a_loader_that_knows_where_it_is_goes_on_at_once(tmp_path, kill, capsys):
    whole = fit(tmp_path / "whole", Stateful())
    fit(tmp_path / "cut", Stateful(), kill=kill)
    loader = Stateful()
    assert same(fit(tmp_path / "cut", loader), whole)
    assert loader.made == [0, *(index % 6 for index in range(kill, 18))]
    assert capsys.readouterr().out == ""


def test_a_loader_that_knows_where_it_is_needs_no_generators():
    loader, other = Stateful(), Stateful()
    list(zip(range(2), loader, strict=False))
    position = position_in(loader)
    rest = again(other, start_of(other), position, 2)
    assert len(list(rest)) == 6 - position["next"]
    assert position_in([1, 2]) is None


# --- arguments that are other --------------------------------------------------------------


def refused(folder, model, x=X, y=Y, **more) -> str:
    before = [weight.copy() for weight in model.get_weights()]
    with pytest.raises(FileFormatError) as caught:
        fit(folder, x, y, model=model, **more)
    assert all(map(np.array_equal, model.get_weights(), before))
    return str(caught.value)


@pytest.fixture
def cut(tmp_path):
    """A folder with a run that was killed in its second epoch."""
    fit(tmp_path, X, Y, kill=4, batch_size=8)
    return tmp_path


def test_other_weights_are_an_error_that_lists_both(cut):
    text = refused(cut, made(units=4), batch_size=8)
    assert text.startswith("this run cannot go on from the checkpoint, which has other weights.\n")
    assert "  the checkpoint has: {'dense.kernel': (2, 3)" in text
    assert "  this run has:       {'dense.kernel': (2, 4)" in text


@pytest.mark.parametrize(
    ("optimizer", "found"),
    [
        ("adam", "Adam with momentum with velocity"),
        (lambda: optimizers.SGD(0.01, momentum=0.9), "SGD with momentum"),
        (lambda: torch.optim.SGD, "SGD of 4 weights"),
    ],
)
def test_another_optimizer_is_an_error_that_lists_both(cut, optimizer, found):
    model = made(optimizer if isinstance(optimizer, str) else optimizer())
    text = refused(cut, model, batch_size=8)
    assert text.startswith(
        "this run cannot go on from the checkpoint, which has another optimizer.\n"
        "  the checkpoint has: SGD\n"
    )
    assert f"  this run has:       {found}\n" in text


def test_other_data_are_an_error_that_lists_both(cut):
    text = refused(cut, made(), X[:16], Y[:16], batch_size=8)
    assert text.startswith("this run cannot go on from the checkpoint, which has other data.\n")
    assert "  the checkpoint has: {'samples': 24, 'batch_size': 8, 'shuffle': True}\n" in text
    assert "  this run has:       {'samples': 16, 'batch_size': 8, 'shuffle': True}\n" in text


def test_another_batch_size_is_an_error(cut):
    assert "'batch_size': 4" in refused(cut, made(), batch_size=4)


def test_a_loader_of_another_length_is_an_error(tmp_path):
    fit(tmp_path, DataLoader(Noisy(), 4), kill=2)
    text = refused(tmp_path, made(), DataLoader(Noisy(), 8), None)
    assert "  the checkpoint has: {'samples': 24, 'steps': 6, 'batch_size': 4}\n" in text


def test_other_metrics_are_an_error_in_mid_epoch_and_none_after_it(tmp_path):
    fit(tmp_path, X, Y, kill=4, batch_size=8)
    text = refused(tmp_path, made(metrics=["mae"]), batch_size=8)
    assert "of an epoch that measured other metrics" in text
    assert "  the checkpoint has: loss\n  this run has:       loss, mae\n" in text


# --- what else comes back ------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
        lambda: torch.optim.AdamW,
        lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    ],
)
def test_every_kind_of_optimizer_goes_on(tmp_path, optimizer):
    whole = fit(tmp_path / "whole", X, Y, batch_size=8, model=made(optimizer()))
    fit(tmp_path / "cut", X, Y, batch_size=8, kill=5, model=made(optimizer()))
    assert same(fit(tmp_path / "cut", X, Y, batch_size=8, model=made(optimizer())), whole)


class Freezes(Callback):
    """Freezes the first layer from the second epoch on, and frees it in the third."""

    remembers = ()

    def on_epoch_begin(self, epoch, logs=None):
        self.model.layers[0].trainable = epoch != 1


@pytest.mark.parametrize("kill", [2, 4, 5, 7])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_layers_frozen_on_the_way_are_frozen(tmp_path, kill, optimizer):
    whole = fit(tmp_path / "w", X, Y, batch_size=8, model=made(optimizer), extra=[Freezes()])
    fit(tmp_path / "c", X, Y, batch_size=8, kill=kill, model=made(optimizer), extra=[Freezes()])
    again = fit(tmp_path / "c", X, Y, batch_size=8, model=made(optimizer), extra=[Freezes()])
    assert same(again, whole)


class Sets(Callback):
    """Sets an option of the optimizer at the end of a batch of the whole run."""

    remembers = ()

    def __init__(self, **option):
        [(self.name, self.value)] = option.items()

    def on_train_batch_end(self, batch, logs=None):
        if self.run.progress.step == 3:
            setattr(self.model.optimizer, self.name, self.value)


@pytest.mark.parametrize(
    ("optimizer", "option"),
    [
        (lambda: optimizers.SGD(0.1), {"momentum": 0.9}),
        (lambda: optimizers.SGD(0.1), {"clipnorm": 0.01}),
        (lambda: optimizers.Adam(0.1), {"beta_1": 0.5}),
        (lambda: optimizers.RMSprop(0.1), {"centered": True}),
    ],
    ids=["momentum", "clipnorm", "beta_1", "centered"],
)
def test_options_of_an_optimizer_set_on_the_way_are_kept(tmp_path, optimizer, option):
    def run(folder, **more):
        return fit(
            folder, X, Y, batch_size=6, model=made(optimizer()), extra=[Sets(**option)], **more
        )

    whole = run(tmp_path / "whole")
    run(tmp_path, kill=7)
    resumed = run(tmp_path)
    assert resumed.optimizer.get_config() == whole.optimizer.get_config()
    for found, expected in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        assert np.array_equal(found, expected)


def test_another_optimizer_than_one_with_options_set_is_told(tmp_path):
    first = made(optimizers.SGD(0.1))
    fit(tmp_path, X, Y, batch_size=6, model=first, extra=[Sets(momentum=0.9)], kill=7)
    with pytest.raises(FileFormatError, match=r"SGD with momentum[\s\S]*this run has: +Adam"):
        fit(tmp_path, X, Y, batch_size=6, model=made("adam"))


def test_the_checkpoint_counts_more_than_the_file_loaded_on_restart(tmp_path):
    def best():
        return ModelCheckpoint(
            tmp_path / "best.h5", "loss", save_best_only=True, load_weights_on_restart=True
        )

    fit(tmp_path, X, Y, batch_size=8, kill=5, extra=[best()])
    whole = fit(tmp_path / "whole", X, Y, batch_size=8)
    assert same(fit(tmp_path, X, Y, batch_size=8, extra=[best()]), whole)


def test_without_a_checkpoint_the_file_is_loaded_on_restart(tmp_path):
    best = ModelCheckpoint(tmp_path / "best.h5", "loss", load_weights_on_restart=True)
    model, fresh = made(), made()
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[best])
    seen = []

    class Sees(Callback):
        def on_train_begin(self, logs=None):
            seen.extend(self.model.get_weights())

    fresh.fit(X, Y, epochs=1, verbose=0, callbacks=[best, Sees()])
    assert all(map(np.array_equal, seen, model.get_weights()))


def test_a_run_saved_in_the_middle_is_saved_as_it_is(tmp_path):
    model = fit(tmp_path, X, Y, kill=4, batch_size=8)
    saved = CheckpointManager(tmp_path / "backup").latest()
    assert (saved["progress"], saved["in_epoch"]) == ({"epoch": 1, "batch": 1, "step": 4}, True)
    kept = list(saved["model"]["weights"].values())
    assert all(torch.equal(a, b) for a, (_, b) in zip(kept, model.named_weights(), strict=True))


def test_batches_begin_in_the_middle():
    batches = batches_of(X, Y, batch_size=8, shuffle=True)
    whole = [batch.y for batch in batches.epoch(1)]
    epoch = batches.epoch(1)
    epoch.begin_after(2)
    assert [torch.equal(batch.y, y) for batch, y in zip(epoch, whole[2:], strict=True)] == [True]
