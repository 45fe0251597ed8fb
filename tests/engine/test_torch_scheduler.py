"""torch's schedulers in `callbacks=`."""

import pytest
import torch
from tests.saving.small import X, Y
from torch import nn
from torch.optim import lr_scheduler

from onfit import Run
from onfit.callbacks import BackupAndRestore, CallbackList, LambdaCallback
from onfit.core.listeners import Listeners
from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.models import Model, Sequential

FIT = {"batch_size": 20, "verbose": 0, "shuffle": False}


def compiled(lr=0.1):
    net = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    model = Model(net)
    model.compile(optimizer, nn.CrossEntropyLoss())
    return model, optimizer


def by_hand(make, steps, lr=0.1):
    """The rates after each step of a loop without onfit."""
    weight = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=lr)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


BY_EPOCH = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 2),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 5),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 0.5**epoch),
    "ChainedScheduler": lambda o: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ExponentialLR(o, 0.9)]
    ),
}
BY_BATCH = {
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.5, total_steps=10),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, step_size_up=3),
}


@pytest.mark.parametrize("kind", BY_EPOCH)
def test_in_fit_a_scheduler_is_stepped_at_the_end_of_each_epoch(kind):
    model, optimizer = compiled()
    history = model.fit(X, Y, epochs=5, callbacks=[BY_EPOCH[kind](optimizer)], **FIT)
    assert history.history["learning_rate"] == by_hand(BY_EPOCH[kind], 5)


@pytest.mark.parametrize("kind", BY_BATCH)
def test_schedulers_of_batches_are_stepped_after_each_batch(kind):
    model, optimizer = compiled()
    rates = []
    note = LambdaCallback(
        on_batch_begin=lambda batch, logs: rates.append(optimizer.param_groups[0]["lr"])
    )
    model.fit(X, Y, epochs=5, callbacks=[BY_BATCH[kind](optimizer), note], **FIT)
    assert rates == by_hand(BY_BATCH[kind], 10)


def loop(make, callbacks=(), epochs=5, fail_at=None):
    net = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    rates = []
    callbacks = [make(optimizer), *callbacks]
    with Run(net, callbacks, optimizer=optimizer, epochs=epochs) as run:
        for epoch in run.epochs():
            if epoch == fail_at:
                raise MemoryError
            rates.append(optimizer.param_groups[0]["lr"])
            for batch in run.batches([torch.ones(1, 4)]):
                net(batch).mean().backward()
                optimizer.step()
    return rates


@pytest.mark.parametrize("kind", BY_EPOCH)
def test_in_a_loop_of_ones_own_too(kind):
    assert loop(BY_EPOCH[kind]) == by_hand(BY_EPOCH[kind], 5)


def test_one_scheduler_alone_or_in_a_callback_list_is_taken():
    _, optimizer = compiled()
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    for given in (scheduler, (scheduler,), CallbackList([scheduler])):
        [callback] = Listeners(given)
        assert callback.scheduler is scheduler
        assert repr(callback) == "TorchScheduler(StepLR)"


RESUMED = {
    **BY_EPOCH,
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [2, 4]),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o,
        [lr_scheduler.ConstantLR(o, total_iters=4), lr_scheduler.MultiStepLR(o, [1])],
        milestones=[3],
    ),
}


# torch's own SequentialLR passes on an argument that its schedulers no longer want.
@pytest.mark.filterwarnings("ignore:The epoch parameter in")
@pytest.mark.parametrize("kind", RESUMED)
def test_a_resumed_run_goes_on_with_the_scheduler(tmp_path, kind):
    make = RESUMED[kind]
    for order in (1, -1):  # before the callback that saves the run, and after it
        folder = tmp_path / str(order)
        backup = BackupAndRestore(folder, verbose=0)
        with pytest.raises(MemoryError):
            loop(make, [backup], fail_at=3)
        assert loop(make, [BackupAndRestore(folder, verbose=0)]) == by_hand(make, 5)[3:]


def test_a_resumed_fit_goes_on_with_the_scheduler(tmp_path):
    def train(fail_at=None):
        torch.manual_seed(0)
        model, optimizer = compiled()

        def fail(epoch, logs):
            if epoch == fail_at:
                raise MemoryError

        callbacks = [
            lr_scheduler.CosineAnnealingLR(optimizer, 5),
            LambdaCallback(on_epoch_begin=fail),
            BackupAndRestore(tmp_path, verbose=0),
        ]
        return model.fit(X, Y, epochs=5, callbacks=callbacks, **FIT)

    with pytest.raises(MemoryError):
        train(fail_at=2)
    assert train().history["learning_rate"] == by_hand(BY_EPOCH["CosineAnnealingLR"], 5)


def test_torchs_reduce_on_plateau_needs_a_metric_and_ours_is_named():
    model, optimizer = compiled()
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.2, patience=3)
    words = r"ReduceLROnPlateau\(monitor='val_loss', factor=0.2, patience=4, mode='max'\)"
    with pytest.raises(ArgumentTypeError, match=words):
        model.fit(X, Y, callbacks=[scheduler], **FIT)


def test_a_scheduler_of_another_optimizer_is_an_error_before_training():
    model, _ = compiled()
    other = torch.optim.Adam([torch.ones(1, requires_grad=True)])
    with pytest.raises(ArgumentError, match=r"StepLR.*a Adam that is not.*SGD"):
        model.fit(X, Y, callbacks=[lr_scheduler.StepLR(other, 2)], **FIT)


def test_a_scheduler_needs_a_torch_optimizer():
    from onfit import layers

    _, optimizer = compiled()
    model = Sequential([layers.Dense(3, input_dim=4)])
    model.compile("adam", "mse")
    with pytest.raises(ArgumentError, match=r"StepLR.*Adam"):
        model.fit(X, X[:, :3], callbacks=[lr_scheduler.StepLR(optimizer, 2)], **FIT)


def test_each_optimizer_of_several_may_have_a_scheduler():
    net = nn.ModuleDict({"g": nn.Linear(2, 2), "d": nn.Linear(2, 1)})
    both = [torch.optim.SGD(part.parameters(), lr=0.1) for part in net.values()]
    schedulers = [lr_scheduler.ExponentialLR(one, 0.5) for one in both]
    with Run(net, schedulers, optimizer=both, epochs=2) as run:
        for _ in run.epochs():
            for one in both:
                one.step()
    assert [one.param_groups[0]["lr"] for one in both] == [0.025, 0.025]


def test_a_class_and_other_objects_are_no_callbacks():
    with pytest.raises(ArgumentTypeError, match="callbacks= takes"):
        Listeners([lr_scheduler.StepLR])
