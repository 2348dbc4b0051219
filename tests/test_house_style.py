"""The house's own rules, held by a test: names, sizes, words that must not be there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = ("main.py", "bootstrap.py", "domain", "projections", "api", "infra")
WRITTEN = (*CODE, "tests", "adr", "README.md", "CHANGELOG.md", "pyproject.toml", ".ci/run")
TEXT_SUFFIXES = (".py", ".sql", ".toml", ".md", ".html", ".js", ".css", "")
FILE_LINES_MAX = 430
FUNCTION_LINES_MAX = 40
TABLES_OF_CASES = ("change", "changes_by", "lines_of", "binding_lines")
ROUTE_BUILDERS = re.compile(r"build_\w+|add_\w+|binding_commands")
NESTING_MAX = 4
BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)
FORBIDDEN = {
    "a silent except": re.compile(r"except[^:\n]*:\s*(pass|\.\.\.)\s*$", re.MULTILINE),
    "an unfinished place": re.compile(r"\b(TODO|FIXME|XXX)\b|NotImplementedError"),
    "a place of one machine": re.compile(r"/(work|root|home)/\w"),
    "a registry's host": re.compile("py" + r"pi\.org|python" + r"hosted|registry\.np" + "m"),
}


def files_in(names: Iterable[str], pattern: str) -> Iterator[Path]:
    for name in names:
        path = ROOT / name
        yield from [path] if path.is_file() else sorted(path.rglob(pattern))


FILES = list(files_in(CODE, "*.py"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the function without its docstring."""
    documented = ast.get_docstring(node, clean=False)
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    return length - (documented.count("\n") + 1 if documented else 0)


def nesting(node: ast.AST) -> int:
    deepest = max((nesting(child) for child in ast.iter_child_nodes(node)), default=0)
    return deepest + isinstance(node, BLOCKS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_what_it_is_for_and_stays_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert text.count("\n") <= FILE_LINES_MAX


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_function_is_short_and_flat(path: Path) -> None:
    long = [
        f"{node.name}: {code_lines(node)} lines"
        for node in functions(path)
        if code_lines(node) > FUNCTION_LINES_MAX
        and node.name not in TABLES_OF_CASES
        and not ROUTE_BUILDERS.fullmatch(node.name)
    ]
    deep = [node.name for node in functions(path) if nesting(node) > NESTING_MAX]
    assert (long, deep) == ([], [])


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_in_the_project_holds(what: str) -> None:
    texts = [path for path in files_in(WRITTEN, "*.*") if path.suffix in TEXT_SUFFIXES]
    found = [
        str(path.relative_to(ROOT))
        for path in texts
        if path != Path(__file__) and FORBIDDEN[what].search(path.read_text("utf-8"))
    ]
    assert found == []


def test_only_main_imports_inside_functions() -> None:
    inside = {
        str(path.relative_to(ROOT))
        for path in FILES
        for node in functions(path)
        for child in ast.walk(node)
        if isinstance(child, ast.Import | ast.ImportFrom)
    }
    assert inside <= {"main.py"}
