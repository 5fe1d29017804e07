"""Rules for docstrings and names: `python -m tests.language FILE…` prints what breaks one.

- A docstring begins with a noun phrase or an imperative, not with a clause ("What …").
- In the packages, a parameter or variable of a function has not the name of an import or
  of a function of its module. Tests are exempt: pytest passes fixtures by their names.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

ROOT = Path(__file__).parents[1]
PACKAGES = ("transports", "bench", "reports", "examples")
FOLDERS = (*PACKAGES, "tests")
CLAUSES = frozenset({"what", "who", "whether", "how", "where", "why", "which", "when", "whose"})

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Complaint(NamedTuple):
    line: int
    text: str


def docstrings(source: str) -> list[Complaint]:
    """Find docstrings that begin with a clause: of modules, classes, functions, attributes."""
    return sorted(
        Complaint(node.lineno, f"a docstring begins with {word[0]!r}: {_first_line(text)}")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(text := node.value.value, str)
        and (word := re.match(r"\W*([^\W_]+)", text))
        and word[1].lower() in CLAUSES
    )


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def shadows(source: str) -> list[Complaint]:
    """Find local names of functions that shadow an import or a function of their module."""
    tree = ast.parse(source)
    imports, functions = set[str](), set[str]()
    for node in _of_module(tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports |= _imported(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.add(node.name)
    return sorted(
        {
            Complaint(line, f"the local name {name!r} shadows an import or a function")
            for function in ast.walk(tree)
            if isinstance(function, Function)
            for line, name, late in _local_names(function)
            if name in functions or (name in imports and not late)
        }
    )


def _of_module(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, those inside `if` and `try` included."""
    for node in body:
        yield node
        for field in ("body", "handlers", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.ExceptHandler):
                yield from _of_module(getattr(node, field, []))


def _imported(node: ast.Import | ast.ImportFrom) -> set[str]:
    return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}


def _local_names(function: Function) -> Iterator[tuple[int, str, bool]]:
    """Yield line, name, and True if a late import binds it: one may repeat the module's own."""
    for node in ast.walk(function):
        match node:
            case ast.arg(arg=str(name)) | ast.Name(id=str(name), ctx=ast.Store()):
                yield node.lineno, name, False
            case ast.ExceptHandler(name=str(name)):
                yield node.lineno, name, False
            case ast.FunctionDef() | ast.AsyncFunctionDef() if node is not function:
                yield node.lineno, node.name, False
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name, False
            case ast.Import() | ast.ImportFrom():
                for name in _imported(node):
                    yield node.lineno, name, True


def complaints(path: Path) -> list[str]:
    """Find what breaks a rule in a file."""
    source = path.read_text()
    where = path.absolute()
    local = where.relative_to(ROOT) if where.is_relative_to(ROOT) else where
    found = docstrings(source)
    if local.parts[0] in PACKAGES:
        found += shadows(source)
    return [f"{local}:{line}: {text}" for line, text in sorted(found)]


def main(names: Sequence[str]) -> int:
    found = [text for name in names for text in complaints(Path(name))]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
