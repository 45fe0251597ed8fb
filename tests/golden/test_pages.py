"""The README, and every page about another library's loop: their Python blocks run in order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.golden.installed import can_run

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("docs/integrations/*.md"), ROOT / "docs/write-your-own.md"])
PAGES += [ROOT / "README.md"]
LONGEST = 40  # lines of an example


def blocks(page):
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_example_of_a_page_is_long(page):
    assert blocks(page)
    assert all(block.count("\n") <= LONGEST for block in blocks(page))


def test_the_examples_of_every_page_run(tmp_path):
    for page in filter(lambda page: can_run(page.stem), PAGES):
        program = tmp_path / f"page_{page.stem}.py"  # no name of a library
        program.write_text("\n".join(blocks(page)), encoding="utf-8")
        done = run(program)
        assert done.returncode == 0, f"{page.name}: {done.stderr}"


def run(program):
    before = os.environ.get("PYTHONPATH")
    paths = [str(ROOT / "src"), *([before] if before else [])]
    return subprocess.run(
        [sys.executable, program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
