"""The source in numbers: sizes, circles of imports, names of classes, plain words."""

import ast
import functools
import importlib.util
import io
import re
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "src" / "onfit"

# Keras itself has a loss and a metric of one name, and a layer and an initializer.
TWICE_IN_KERAS = {"losses", "metrics"}, {"layers", "initializers"}
ONE_FOR_EACH_LIBRARY = {"OnfitCallback"}

# They stand for a thing without naming it.
VAGUE = re.compile(r"\b(nobody|somebody|whoever|who|told)\b", re.IGNORECASE)


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def shown(path: Path) -> str:
    return str(path.relative_to(TESTS.parent))


def lines_in(path: Path) -> int:
    return len(path.read_text().splitlines())


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def lengths(paths: Iterable[Path]) -> Iterator[tuple[str, int]]:
    return ((shown(path), lines_in(path)) for path in paths)


def assert_none(found: Iterable[str]) -> None:
    listed = "\n".join(found)
    assert not listed, listed


def assert_none_above(limit: int, sizes: Iterable[tuple[str, int]]) -> None:
    assert_none(f"{name}: {size}" for name, size in sizes if size > limit)


# --- sizes -----------------------------------------------------------------------------------


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines from the first statement to the last; a docstring is none."""
    body = function.body[ast.get_docstring(function) is not None :]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def functions() -> Iterator[tuple[str, int]]:
    for path in MODULES.values():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{shown(path)}:{node.lineno} {node.name}", body_lines(node)


def test_a_file_has_at_most_300_lines() -> None:
    assert_none_above(300, lengths(MODULES.values()))


def test_the_body_of_a_function_has_at_most_40_lines() -> None:
    assert_none_above(40, functions())


def test_a_folder_has_at_most_25_files() -> None:
    files = [path for path in MODULES.values() if path.name != "__init__.py"]
    assert_none_above(25, Counter(shown(path.parent) for path in files).items())


def lines_of_code(path: Path) -> int:
    """The lines that are no comments, no docstrings and not blank."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    spoken = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    spans = [(one.start[0], one.end[0]) for one in tokens if one.type not in spoken]
    lines = {line for first, last in spans[:-1] for line in range(first, last + 1)}
    return len(lines - set(lines_of_docstrings(path)))


def lines_of_docstrings(path: Path) -> Iterator[int]:
    for node in ast.walk(tree_of(path)):
        kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            yield from range(node.body[0].lineno, node.body[0].end_lineno + 1)


def test_what_translates_another_librarys_loop_has_at_most_60_lines_of_code() -> None:
    translators = (PACKAGE / "integrations").glob("*.py")
    assert_none_above(60, ((shown(path), lines_of_code(path)) for path in translators))


def test_lines_of_code_are_counted_without_what_is_said_about_them(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    said = '"""Said.\n\nMore."""\n\n'
    code = "x = 1  # one\n\n\ndef f():\n    # so\n    y = (\n        2,\n    )\n"
    file.write_text(said + code)
    assert lines_of_code(file) == 5


def test_a_file_of_tests_has_at_most_500_lines() -> None:
    assert_none_above(500, lengths(TESTS.rglob("*.py")))


# --- imports ---------------------------------------------------------------------------------


def at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all within it, but for what stands under `if TYPE_CHECKING`."""
    yield node
    skipped = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    for child in node.orelse if skipped else ast.iter_child_nodes(node):
        yield from at_run_time(child)


def named_by(node: ast.AST, package: str) -> Iterator[str]:
    """The modules that an import statement may mean: `from a import b` is `a.b` or `a`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
        longer = [f"{base}.{alias.name}" for alias in node.names]
        yield from (name if name in MODULES else base for name in longer)


def imports_of(module: str, path: Path) -> set[str]:
    """The modules of this package that a module imports, at its top or in a function."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    nodes = at_run_time(tree_of(path))
    return {name for node in nodes for name in named_by(node, package)} & MODULES.keys() - {module}


def reached(start: str, graph: dict[str, set[str]]) -> set[str]:
    """The modules that are imported when one is, directly or through others."""
    found: set[str] = set()
    coming = [start]
    while coming:
        new = graph[coming.pop()] - found
        found |= new
        coming += new
    return found


def circles() -> list[list[str]]:
    """Groups of modules that all import each other, directly or through others."""
    graph = {module: imports_of(module, path) for module, path in MODULES.items()}
    after = {module: reached(module, graph) for module in graph}
    groups = {
        tuple(sorted(other for other in after[module] if module in after[other]))
        for module in graph
    }
    return [list(group) for group in sorted(groups) if group]


def test_a_circle_of_imports_has_at_most_8_modules() -> None:
    """A method that opens the door to a higher room makes a small circle; a large one is a knot."""
    assert_none_above(8, ((" ".join(circle), len(circle)) for circle in circles()))


# --- names and words -------------------------------------------------------------------------


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def test_no_two_classes_have_one_name() -> None:
    places: dict[str, list[Path]] = defaultdict(list)
    for path in MODULES.values():
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(path)
    assert_none(
        f"{name}: {' '.join(map(shown, paths))}"
        for name, paths in places.items()
        if len(paths) > 1
        and name not in ONE_FOR_EACH_LIBRARY
        and sorted(map(room_of, paths)) not in map(sorted, TWICE_IN_KERAS)
    )


def prose_of(path: Path) -> Iterator[tuple[int, str]]:
    """Comments and docstrings, each with the line it begins in."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""


def test_comments_and_docstrings_name_what_they_mean() -> None:
    """At most one vague word in 1,000 lines."""
    vague = [
        f"{shown(path)}:{line} {word}"
        for path in MODULES.values()
        for line, words in prose_of(path)
        for word in VAGUE.findall(words)
    ]
    allowed = sum(map(lines_in, MODULES.values())) / 1000
    assert len(vague) <= allowed, "\n".join(vague)
