"""A user's program passes the type checkers, and its mistakes do not."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KERAS = "docs/integrations/keras.md"
TYPED = sorted(ROOT.glob("tests/typed/*.py"))
# Not the page on Keras: to a type checker, `logs["loss"]` is an error in a callback of Keras' own.
PAGES = [ROOT / "README.md", *sorted(set(ROOT.glob("docs/**/*.md")) - {ROOT / KERAS})]
# What the fragments of a page have from the text around them.
AROUND = {
    "many-processes.md": """
from typing import Any

import onfit
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler

def given() -> Any: ...


model: onfit.Model = given()
callbacks: list[onfit.callbacks.Callback] = given()
net, data, optimizer, held_out, step, loss_of = given()
"""
}
# pyright takes what has no types as it is: its guesses at other libraries' code are no matter here.
PYRIGHT = {
    "typeCheckingMode": "standard",
    "useLibraryCodeForTypes": False,
    "reportUnnecessaryTypeIgnoreComment": "error",
    "reportMissingModuleSource": "error",
    "reportRedeclaration": "none",  # a page's blocks use a name anew
}
# A reader's script is not strict, gives one name to several things, and uses what has no types.
AS_A_SCRIPT = (
    "--allow-redefinition",
    *(
        f"--disable-error-code={code}"
        for code in ("import-untyped", "no-redef", "func-returns-value")
    ),
)

Checker = Callable[..., list[str]]


def said_by(*command: str, folder: Path) -> str:
    alone = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, **alone},
        capture_output=True,
        text=True,
    )
    assert not done.stderr, done.stderr
    return done.stdout


def mypy(folder: Path, names: list[str], strict: bool) -> list[str]:
    options = ["--strict"] if strict else AS_A_SCRIPT
    return said_by("mypy", *options, "--no-error-summary", *names, folder=folder).splitlines()


def pyright(folder: Path, names: list[str], strict: bool) -> list[str]:
    settings = {**PYRIGHT, "include": names}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    said = said_by("pyright", "--outputjson", "--pythonpath", sys.executable, folder=folder)
    report = json.loads(said)
    assert report["summary"]["filesAnalyzed"] == len(names)
    return [
        f"{Path(each['file']).name}:{each['range']['start']['line'] + 1}: {each['message']}"
        for each in report["generalDiagnostics"]
    ]


def without_foreign_imports(lines: list[str]) -> list[str]:
    """The lines but those on libraries that are not installed here."""
    missing = r'(module named|Import) "(?!onfit)[\w.]+"|#missing-imports'
    return [line for line in lines if not re.search(missing, line)]


def scripts(folder: Path) -> list[str]:
    """Write each example, and for each page all its blocks, to a file of its own."""
    for path in ROOT.glob("examples/*.py"):
        (folder / path.name).write_text(path.read_text())
    for path in PAGES:
        blocks = re.findall(r"^```python\n(.*?)^```$", path.read_text(), flags=re.M | re.S)
        whole = AROUND.get(path.name, "") + "\n".join(blocks)
        if blocks:
            (folder / f"page_{path.stem.replace('-', '_')}.py").write_text(whole)
    return sorted(path.name for path in folder.glob("*.py"))


checked_by_each = pytest.mark.parametrize("checker", [mypy, pyright])


@pytest.mark.slow  # both read torch
@checked_by_each
def test_calls_have_the_types_that_they_say_and_mistakes_are_found(
    checker: Checker, tmp_path: Path
) -> None:
    for path in TYPED:
        (tmp_path / path.name).write_text(path.read_text())
    assert {"calls.py", "own_classes.py"} <= {path.name for path in TYPED}
    assert checker(tmp_path, [path.name for path in TYPED], strict=True) == []


@pytest.mark.slow  # both read torch
@checked_by_each
def test_the_readme_the_pages_and_the_examples_pass(checker: Checker, tmp_path: Path) -> None:
    names = scripts(tmp_path)
    assert {"page_README.py", "page_lightning.py", "demo.py"} <= set(names)
    assert without_foreign_imports(checker(tmp_path, names, strict=False)) == []
