"""A loop around what Accelerate has prepared."""

import pytest
import torch
from accelerate import Accelerator
from tests.golden.golden import (
    EPOCHS,
    VAL_LOSS,
    Golden,
    batches,
    net,
    same,
    sgd,
    weights_by_hand,
    weights_of,
)
from torch.utils.data import DataLoader, TensorDataset

from onfit import Run
from onfit.callbacks import BackupAndRestore


def prepared():
    x, y = (torch.cat(parts) for parts in zip(*batches(), strict=True))
    accelerator, module = Accelerator(cpu=True), net()
    loader = DataLoader(TensorDataset(x, y), batch_size=4)
    return accelerator, *accelerator.prepare(module, sgd(module), loader)


def train(callbacks, epochs=EPOCHS, at_epoch=lambda epoch: None):
    accelerator, module, optimizer, loader = prepared()
    with Run(module, callbacks, optimizer=optimizer, epochs=epochs) as run:
        for epoch in run.epochs():
            for x, y in run.batches(loader):
                loss = torch.nn.functional.mse_loss(module(x), y)
                optimizer.zero_grad()
                accelerator.backward(loss)
                optimizer.step()
                run.log(loss=loss)
            at_epoch(epoch)
            run.validated(loss=VAL_LOSS[epoch])
    return module


def test_the_recorded_sequence(tmp_path):
    golden = Golden(tmp_path)
    module = train(golden.callbacks)
    golden.check(weights_of(module))
    assert same(weights_of(module), weights_by_hand())


def test_a_training_that_failed_goes_on_as_if_it_had_not(tmp_path):
    def fail(epoch):
        if epoch == 2:
            raise RuntimeError("power cut")

    backup = BackupAndRestore(tmp_path / "backup")
    with pytest.raises(RuntimeError, match="power cut"):
        train(backup, epochs=4, at_epoch=fail)
    module = train(BackupAndRestore(tmp_path / "backup"), epochs=4)
    assert same(weights_of(module), weights_of(train(None, epochs=4)))
