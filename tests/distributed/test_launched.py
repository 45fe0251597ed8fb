"""Scripts that torchrun starts, and starts again when a process was killed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.distributed import launched

HERE = Path(__file__).parent
APART = ["unshare", "--map-root-user", "--net"]  # a network of one's own


def launch(folder: Path, *how: str) -> tuple[list[Any], str]:
    """What each of two processes found, and what they printed."""
    folder.mkdir()
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--max-restarts=1"]
    script = ["--nproc-per-node=2", launched.__file__, str(folder), *how]
    done = subprocess.run(
        [*command, *script], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads((folder / f"found-{rank}.json").read_text()) for rank in (0, 1)]
    return found, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("saves", ["waiting", "background"])
def test_a_process_is_killed_and_the_group_goes_on_as_if_not(tmp_path: Path, saves: str) -> None:
    whole, printed = launch(tmp_path / "whole", "lives")
    assert printed.count("Training with 2 processes") == 1
    assert printed.count("Epoch 3/3") == 1
    killed, printed = launch(tmp_path / "killed", "dies", saves)
    assert killed == whole
    assert whole[0] == whole[1]
    assert printed.count("Resuming from epoch 2, after batch 2.") == 1
    first, second = (tmp_path / name / "log.csv" for name in ("whole", "killed"))
    assert first.read_bytes() == second.read_bytes()


def can_have_hosts() -> bool:
    """Whether this machine lets its users make networks of their own."""
    tools = all(map(shutil.which, ("unshare", "nsenter", "ip")))
    return tools and subprocess.run([*APART, "true"], check=False).returncode == 0


if can_have_hosts():

    @pytest.mark.slow
    def test_processes_on_two_hosts_are_one_training(tmp_path: Path) -> None:
        whole, _ = launch(tmp_path / "whole", "lives")
        folder = tmp_path / "hosts"
        folder.mkdir()
        script = [sys.executable, launched.__file__, str(folder), "lives"]
        command = [*APART, "bash", str(HERE / "two_hosts.sh"), *script]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        assert [json.loads((folder / f"found-{rank}.json").read_text()) for rank in (0, 1)] == whole
        assert done.stdout.count("Epoch 3/3") == 1
