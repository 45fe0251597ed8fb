"""Every Python block of the README runs, one after the other, as a reader would run them.

Those that import another trainer run where it is installed: tests/golden/test_pages.py sees to it.
"""

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import onfit

README = Path(__file__).parents[2] / "README.md"


def blocks():
    """The Python blocks, each after as many empty lines as stand before it in the document."""
    text = README.read_text(encoding="utf-8")
    for block in re.finditer(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        yield "\n" * text[: block.start(1)].count("\n") + block[1]


def can_run(code):
    """Whether all that a block imports is installed."""
    nodes = list(ast.walk(ast.parse(code)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return all(find_spec(name.partition(".")[0]) for name in names)


def test_the_blocks_that_cannot_run_here_are_those_of_other_trainers():
    imports = [
        re.findall(r"^import (\w+)$", code, re.M)[0] for code in blocks() if not can_run(code)
    ]
    assert set(imports) <= {"lightning", "xgboost", "jax"}


def test_every_block_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for code in filter(can_run, blocks()):
        exec(compile(code, str(README), "exec"), names)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.h5", "history.png", "log.csv"]
    said = capsys.readouterr().out
    assert re.search(r"^(completed|stopped)$", said, flags=re.MULTILINE)
    assert said.endswith("Did you mean 'adam'?\n")


@pytest.mark.parametrize(
    "name",
    [name for name in onfit.callbacks.__all__ if not name.startswith("Callback")],
)
def test_every_callback_is_in_the_table(name):
    assert f"\n| `{name}` | " in README.read_text(encoding="utf-8")
