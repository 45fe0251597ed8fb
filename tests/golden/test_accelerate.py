"""A loop around what Accelerate has prepared."""

import csv
import os
import subprocess
import sys

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
from tests.golden.test_pages import ROOT, blocks
from torch.utils.data import DataLoader, TensorDataset

from onfit import Run
from onfit.callbacks import BackupAndRestore, History


def learn(accelerator, module, optimizer, x, y):
    """Take a step, and return the loss."""
    loss = torch.nn.functional.mse_loss(module(x), y)
    optimizer.zero_grad()
    accelerator.backward(loss)
    optimizer.step()
    return loss


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
                run.log(loss=learn(accelerator, module, optimizer, x, y))
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


def shuffled(callbacks, fail_at=None):
    torch.manual_seed(0)
    x, y = (torch.cat(parts) for parts in zip(*batches(), strict=True))
    accelerator, module = Accelerator(cpu=True), net()
    loader = DataLoader(TensorDataset(x, y), batch_size=2, shuffle=True)
    module, optimizer, loader = accelerator.prepare(module, sgd(module), loader)
    with Run(module, callbacks, optimizer=optimizer, epochs=3) as run:
        for _ in run.epochs():
            for inputs, targets in run.batches(loader):
                run.log(loss=learn(accelerator, module, optimizer, inputs, targets))
                if run.progress.step == fail_at:
                    raise RuntimeError("power cut")
    return weights_of(module)


def test_a_training_that_failed_within_an_epoch_goes_on_as_if_it_had_not(tmp_path):
    expected = shuffled(None)
    with pytest.raises(RuntimeError, match="power cut"):
        shuffled(BackupAndRestore(tmp_path / "backup", "batch"), fail_at=5)
    assert same(shuffled(BackupAndRestore(tmp_path / "backup", "batch")), expected)


def test_a_prepared_scheduler_among_the_callbacks_is_stepped_at_the_end_of_epochs():
    accelerator, module, optimizer, loader = prepared()
    schedule = accelerator.prepare(torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5))
    first = optimizer.param_groups[0]["lr"]
    with Run(module, [schedule, history := History()], optimizer=optimizer, epochs=3) as run:
        for _ in run.epochs():
            for x, y in run.batches(loader):
                accelerator.backward(torch.nn.functional.mse_loss(module(x), y))
                optimizer.step()
                optimizer.zero_grad()
    assert history.history["learning_rate"] == [first, first / 2, first / 4]


def launched(folder, *options):
    """What the page's script logs, started by `accelerate launch`."""
    folder.mkdir()
    (folder / "train.py").write_text(
        f"import torch\ntorch.manual_seed(1)\n{blocks(ROOT / 'docs/integrations/accelerate.md')[0]}"
    )
    launch = ["--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no", *options]
    done = subprocess.run(
        [sys.executable, "-m", "accelerate.commands.launch", *launch, "train.py"],
        cwd=folder,
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with open(folder / "log.csv", newline="") as file:
        return list(csv.DictReader(file)), done.stdout


@pytest.mark.slow
def test_the_script_of_the_page_on_two_processes(tmp_path):
    rows, printed = launched(tmp_path / "two", "--multi_gpu", "--num_processes=2")
    assert [row["epoch"] for row in rows] == [str(epoch) for epoch in range(len(rows))]
    assert float(rows[-1]["val_loss"]) < float(rows[0]["val_loss"])
    assert printed.count("completed") == 2
    assert (tmp_path / "two" / "best.safetensors").exists()
