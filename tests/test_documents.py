"""The documents: each link between them leads to a file, and each heading link to a heading."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])


def links(document: Path) -> list[str]:
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text(encoding="utf-8"), flags=re.S)
    found = re.findall(r"\]\(([^)\s]+)\)", prose)
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(document: Path) -> set[str]:
    """The names that headings get when a forge shows the document."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), flags=re.M)
    words = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in words}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document):
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{document.name} links to {link}, which is not there"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{document.name} links to {link}: no such heading"


# The changelog names what was, too.
OF_NOW = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]
FILES = [
    str(path.relative_to(ROOT))
    for folder in ("src", "tests", "docs", "examples", "bench", "scripts")
    for path in (ROOT / folder).rglob("*")
]


@pytest.mark.parametrize("document", OF_NOW, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_that_is_named_is_there(document):
    """Rooms move; what a document says of them has to move along."""
    prose = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.S)
    for name in re.findall(r"`([a-z_/]+/[a-z_]+\.py)`", prose):
        assert any(f"/{file}".endswith(f"/{name}") for file in FILES), f"there is no {name}"


@pytest.mark.parametrize("document", OF_NOW, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_verb_of_make_is_one(document):
    verbs = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), flags=re.M)
    named = re.findall(r"`make ([a-z -]+)`", document.read_text(encoding="utf-8"))
    for verb in " ".join(named).split():
        assert verb in verbs, f"{document.name} says make {verb}"
