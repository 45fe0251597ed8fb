"""docs/slurm.md: its script and its jobs, with commands that stand for SLURM's."""

import csv
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "slurm.md"
PATIENCE = 200  # seconds; far more than a job takes
COMMANDS = {
    "scontrol": 'echo "$@" >> requeued',
    "srun": 'exec "$@"',
    "python": f'exec {sys.executable} "$@"',
    "torchrun": f'exec {sys.executable} -m torch.distributed.run "$@"',
}


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text("utf-8"), flags=re.M | re.S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    for name, text in COMMANDS.items():
        command = tmp_path / "bin" / name
        command.write_text(f"#!/bin/bash\n{text}\n")
        command.chmod(0o755)
    (tmp_path / "train.py").write_text(blocks("python")[0])
    return tmp_path


def job(folder: Path, script: str, seconds: float) -> "subprocess.Popen[bytes]":
    """A job that ends in so many seconds."""
    (folder / "job.sh").write_text(script)
    end = str(int(time.time() + seconds))
    slurm = {"SLURM_JOB_END_TIME": end, "SLURM_JOB_ID": "42", "OMP_NUM_THREADS": "1"}
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    return subprocess.Popen(
        ["bash", "job.sh"], cwd=folder, env={**os.environ, **slurm, "PATH": path}
    )


def requeued(folder: Path) -> str:
    found = folder / "requeued"
    return found.read_text() if found.exists() else ""


def rows(folder: Path) -> list[str]:
    with open(folder / "log.csv", newline="") as file:
        return [row["epoch"] for row in csv.DictReader(file)]


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_job_comes_again_until_the_training_is_complete(folder: Path, processes: int) -> None:
    script = blocks("bash")[0]
    if processes == 1:
        script = re.sub("torchrun .* train.py", "python train.py", script)
    assert job(folder, script, seconds=60).wait(PATIENCE) == 0  # less than TimeLimit leaves
    assert requeued(folder) == "requeue 42\n"
    assert list((folder / "backup").glob("checkpoint-*"))
    assert job(folder, script, seconds=100_000).wait(PATIENCE) == 0
    assert requeued(folder) == "requeue 42\n"
    assert rows(folder) == [str(epoch) for epoch in range(20)]
    assert not (folder / "backup").exists()


@pytest.mark.slow
def test_a_signal_saves_the_training_and_the_job_comes_again(folder: Path) -> None:
    script = folder / "train.py"
    script.write_text(script.read_text().replace("epochs=20", "epochs=10**6"))
    running = job(folder, blocks("bash")[2], seconds=100_000)
    deadline = time.monotonic() + PATIENCE
    while not (folder / "log.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    running.send_signal(signal.SIGUSR1)
    assert running.wait(PATIENCE) == 0
    assert requeued(folder) == "requeue 42\n"
    assert list((folder / "backup").glob("checkpoint-*"))
