"""Two processes train one net: as one process with the whole batches does."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.engine.model import two_processes
from tests.engine.model.two_processes import OPTIMIZERS, WAYS, X, Y

from onfit import Model


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_two_processes_train_as_one_does(way: str, optimizer: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    script = [two_processes.__file__, way, str(tmp_path), optimizer]
    done = subprocess.run(
        [*command, *script], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]

    model = Model(two_processes.net())
    model.compile(OPTIMIZERS[optimizer], "mse")
    seen: list[list[torch.Tensor]] = []
    model.observe_gradients(lambda: seen.append([p.grad.clone() for p in model.parameters()]))
    model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    weights = model.get_weights()
    for rank in "01":
        found, gradients = torch.load(tmp_path / f"found-{rank}.pt", weights_only=False)
        for a, b in zip(found, weights, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
        for a, b in zip(gradients, seen[0], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
        other = Model(two_processes.net())
        other.load_weights(tmp_path / "best.safetensors")
        for a, b in zip(other.get_weights(), found, strict=True):
            np.testing.assert_array_equal(a, b)
