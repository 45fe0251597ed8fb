"""Loops of one's own that are killed and started again: all that belongs to them goes on."""

import warnings
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from onfit import Run
from onfit.callbacks import BackupAndRestore
from onfit.errors import ArgumentTypeError, FileFormatError, OnfitWarning

DATA = [torch.full((2, 3), float(value)) for value in (1, -2, 3, 0, 2)]


class KilledError(Exception):
    pass


def outcome(train, at, folder):
    """What `train(backup, kill)` returns when it is killed at its step `at` and started again."""
    steps = []

    def kill():
        steps.append(None)
        if len(steps) == at:
            raise KilledError

    backup = [BackupAndRestore(folder, save_freq="1 batches", verbose=0)]
    with pytest.raises(KilledError):
        train(backup, kill)
    return train([BackupAndRestore(folder, save_freq="1 batches", verbose=0)], lambda: None)


def assert_same(train, tmp_path, steps):
    whole = train([BackupAndRestore(tmp_path / "whole", verbose=0)], lambda: None)
    for at in steps:
        again = outcome(train, at, tmp_path / str(at))
        assert len(again) == len(whole)
        assert all(map(torch.equal, again, whole)), at


# --- what is kept ----------------------------------------------------------------------------


def accumulating(callbacks, kill, carried=False):
    torch.manual_seed(0)
    net = nn.Linear(3, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    if carried:
        net.optimizer = optimizer
    with Run(net, callbacks, optimizer=None if carried else optimizer, epochs=3) as run:
        for _ in run.epochs():
            for batch in run.batches(DATA):
                net(batch).square().mean().backward()
                if run.progress.step % 3 == 2:
                    optimizer.step()
                    optimizer.zero_grad()
                kill()
                run.log(loss=1.0)
    return [param.detach().clone() for param in net.parameters()]


@pytest.mark.parametrize("carried", [False, True])
def test_pending_gradients_are_kept(tmp_path, carried):
    assert_same(partial(accumulating, carried=carried), tmp_path, (2, 3, 8))


def adversarial(callbacks, kill, second_as_part=False):
    torch.manual_seed(0)
    net = nn.ModuleDict({"g": nn.Linear(3, 3), "d": nn.Linear(3, 1)})
    g = torch.optim.Adam(net["g"].parameters(), lr=0.1)
    d = torch.optim.SGD(net["d"].parameters(), lr=0.1, momentum=0.9)
    known = {"optimizer": g, "parts": {"d": d}} if second_as_part else {"optimizer": [g, d]}
    with Run(net, callbacks, epochs=3, **known) as run:
        for _ in run.epochs():
            for batch in run.batches(DATA):
                for one in (g, d):
                    one.zero_grad()
                    net["d"](net["g"](batch)).sigmoid().mean().backward()
                    one.step()
                kill()
                run.log(loss=1.0)
    return [param.detach().clone() for param in net.parameters()]


def test_both_optimizers_of_a_gan_are_kept(tmp_path):
    assert_same(adversarial, tmp_path, (2, 6))


def test_a_second_optimizer_may_be_a_part(tmp_path):
    assert_same(partial(adversarial, second_as_part=True), tmp_path, (2, 12))


def scaled(callbacks, kill):
    torch.manual_seed(0)
    net = nn.Linear(3, 1)
    ema = torch.optim.swa_utils.AveragedModel(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", growth_interval=3)
    parts = {"scaler": scaler, "average": ema}
    with Run(net, callbacks, optimizer=optimizer, epochs=3, parts=parts) as run:
        for _ in run.epochs():
            for batch in run.batches(DATA):
                optimizer.zero_grad()
                scaler.scale(net(batch).square().mean()).backward()
                scaler.step(optimizer)
                scaler.update()
                ema.update_parameters(net)
                kill()
                run.log(loss=1.0)
    return [*(p.detach().clone() for p in ema.parameters()), torch.tensor(scaler.get_scale())]


def test_a_scaler_and_averaged_weights_are_kept_as_parts(tmp_path):
    assert_same(scaled, tmp_path, (2, 7))


SCHEDULERS = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 2),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [2, 2, 5]),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda step: 1 / (step + 1)),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 15),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.5, total_steps=15),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, step_size_up=4),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o,
        [lr_scheduler.LinearLR(o, total_iters=3), lr_scheduler.MultiStepLR(o, [2])],
        milestones=[3],
    ),
    "ChainedScheduler": lambda o: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(o, total_iters=4), lr_scheduler.ExponentialLR(o, 0.9)]
    ),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=1),
}


# torch's own SequentialLR passes on an argument that its schedulers no longer want.
@pytest.mark.filterwarnings("ignore:The epoch parameter in")
@pytest.mark.parametrize("kind", SCHEDULERS)
def test_a_scheduler_is_kept_as_a_part(tmp_path, kind):
    def train(callbacks, kill):
        torch.manual_seed(0)
        net = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        scheduler = SCHEDULERS[kind](optimizer)
        metric = (1.0,) if kind == "ReduceLROnPlateau" else ()
        parts = {"scheduler": scheduler}
        with Run(net, callbacks, optimizer=optimizer, epochs=3, parts=parts) as run:
            for _ in run.epochs():
                for batch in run.batches(DATA):
                    optimizer.zero_grad()
                    net(batch).square().mean().backward()
                    optimizer.step()
                    scheduler.step(*metric)
                    kill()
                    run.log(loss=1.0)
        return [torch.tensor(optimizer.param_groups[0]["lr"]), net.weight.detach()]

    assert_same(train, tmp_path, (2, 9))


# --- what is said ----------------------------------------------------------------------------


def said(tmp_path, net, **more):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        with Run(net, [BackupAndRestore(tmp_path, verbose=0)], **more) as run:
            for _ in run.epochs():
                pass
    return [str(one.message) for one in found if issubclass(one.category, OnfitWarning)]


def test_a_scheduler_that_is_no_part_is_named_before_training(tmp_path):
    net = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    lr_scheduler.StepLR(optimizer, 2)
    [text] = said(tmp_path, net, optimizer=optimizer)
    assert 'parts={"scheduler": scheduler}' in text
    assert "SGD" in text


def test_of_several_optimizers_the_one_with_the_unknown_scheduler_is_named(tmp_path):
    net = nn.ModuleDict({"g": nn.Linear(3, 3), "d": nn.Linear(3, 1)})
    g = torch.optim.Adam(net["g"].parameters())
    d = torch.optim.SGD(net["d"].parameters(), lr=0.1)
    known, _unknown = lr_scheduler.StepLR(g, 2), lr_scheduler.StepLR(d, 2)
    [text] = said(tmp_path, net, optimizer=[g, d], parts={"scheduler": known})
    assert "SGD" in text


def test_a_run_without_its_optimizer_is_warned_of(tmp_path):
    [text] = said(tmp_path, nn.Linear(3, 1))
    assert "Run(net, optimizer=optimizer)" in text


def test_nothing_is_said_of_what_is_kept(tmp_path):
    net = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    assert said(tmp_path / "a", net, optimizer=optimizer) == []
    assert said(tmp_path / "b", net, parts={"optimizer": optimizer}) == []
    assert said(tmp_path / "c", nn.Linear(3, 1).requires_grad_(False)) == []
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    assert said(tmp_path / "d", net, optimizer=optimizer, parts={"scheduler": scheduler}) == []


class Around:
    """A wrapper, as accelerate puts one around an optimizer and around a scheduler."""

    def __init__(self, **inner):
        vars(self).update(inner)

    def __getattr__(self, name):
        return getattr(next(iter(vars(self).values())), name)


def test_wrappers_of_optimizer_and_scheduler_are_seen_through(tmp_path):
    net = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    around = Around(optimizer=optimizer)
    parts = {"scheduler": Around(scheduler=scheduler)}
    assert said(tmp_path / "a", net, optimizer=around, parts=parts) == []
    backup = BackupAndRestore(tmp_path / "b", verbose=0)
    with Run(net, [scheduler, backup], optimizer=around) as run:
        for _ in run.epochs():
            optimizer.step()
    assert scheduler.last_epoch == 1


@pytest.mark.parametrize("part", [3, None, SimpleNamespace(state_dict=dict), "scheduler"])
def test_a_part_without_a_state_is_refused_before_training(tmp_path, part):
    net = nn.Linear(3, 1)
    run = Run(
        net,
        [BackupAndRestore(tmp_path)],
        optimizer=torch.optim.SGD(net.parameters(), lr=0.1),
        parts={"mine": part},
    )
    with pytest.raises(ArgumentTypeError, match=r"parts=\{'mine'.*state_dict and load"), run:
        raise AssertionError("not reached")


def test_other_optimizers_than_those_of_the_checkpoint_are_refused(tmp_path):
    def train(kinds, fail):
        net = nn.ModuleDict({"g": nn.Linear(3, 3), "d": nn.Linear(3, 1)})
        both = [kind(net[name].parameters()) for kind, name in zip(kinds, "gd", strict=True)]
        with Run(net, [BackupAndRestore(tmp_path)], optimizer=both) as run:
            for _ in run.epochs():
                if fail:
                    raise KilledError

    adam, sgd = torch.optim.Adam, torch.optim.SGD
    with pytest.raises(KilledError):
        train([adam, sgd], fail=True)
    with pytest.raises(FileFormatError, match=r"Adam and SGD of(.|\n)*SGD and Adam of"):
        train([sgd, adam], fail=False)
