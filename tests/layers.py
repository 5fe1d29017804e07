"""The rules of the layout (CONTRIBUTING.md, Layers), read from the source of each file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAYERS = ("transports", "bench", "reports")
FILES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
SOURCES = sorted(
    path for layer in LAYERS for end in ("c", "h") for path in (ROOT / layer).rglob(f"*.{end}")
)

HEAVY = {"numpy", "matplotlib", "scipy"}  # a worker must not have to load them
ONLY_IN = {  # package -> the folders and files that may import it
    "click": ("bench/commands/", "bench/cli.py"),
    "matplotlib": ("reports/drawing/",),
    "pytest": ("transports/testing/",),
}
FACILITIES = (
    "pipes", "sockets", "queues", "segments", "sync", "shm", "passing", "multiprocess", "libraries",
    "files", "latest",
)  # fmt: skip
SHARED_FACILITIES = {
    ("shm", "sync"), ("shm", "segments"), ("sync", "segments"), ("libraries", "sockets"),
    ("passing", "pipes"), ("files", "segments"),
    ("latest", "pipes"), ("latest", "sockets"), ("latest", "queues"), ("latest", "segments"),
    ("latest", "sync"),
}  # fmt: skip
FROM_BENCH = ("bench.results.", "bench.stats.", "bench.decisions.")  # for reports
JUDGED_BY = ("bench.decisions.comparison.p_", "bench.decisions.looks.", "bench.decisions.ahead.")
TESTS = re.compile(r"(?i)holm|sign_test|p_?values?$|(^|_)p_(holds|fails)|mann_|brunner|binomial_t")
FACES = {  # the modules that may be imported for names that others define
    "ipcbench.transports.contract",
    "ipcbench.transports.base",
    "ipcbench.transports.kernel_objects",
    "ipcbench.transports.native",
    "ipcbench.transports.testing",
    "ipcbench.results",
}
OPS = "transports/native/ops.h"  # included by plug-ins, and with the other ones by bench
LENT = {OPS, "transports/native/child_exit.h", "transports/native/open_capsule.h"}


@dataclass(frozen=True, slots=True)
class Import:
    module: str  # with the imported name, where there is one
    source: str  # the module that is imported from, or the module itself
    on_top: bool  # runs when the file is imported, not when a function is called

    @property
    def ours(self) -> str:
        """The path inside our import package; "" for any other module."""
        return self.module.removeprefix("ipcbench.") if self.module != self._bare else ""

    @property
    def _bare(self) -> str:
        return self.module.removeprefix("ipcbench.")

    @property
    def package(self) -> str:
        """The layer for a module of ours, the top-level package for any other."""
        return self._bare.partition(".")[0]


@cache
def imports(source: str) -> list[Import]:
    return list(_imports(ast.parse(source), on_top=True))


def _imports(node: ast.AST, on_top: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for part in child.body:
                yield from _one(part, on_top=False)
            for part in child.orelse:
                yield from _one(part, on_top)
        else:
            yield from _one(child, on_top)


def _one(node: ast.AST, on_top: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, alias.name, on_top) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        assert node.module is not None
        # `from ipcbench.bench import stats` imports ipcbench.bench.stats
        for alias in node.names:
            yield Import(f"{node.module}.{alias.name}", node.module, on_top)
    else:
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _imports(node, on_top and not inside)


def _is_type_checking(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def complaints(path: str, source: str) -> list[str]:
    """Return the rules that a file of one of the layers breaks."""
    return [text for each in imports(source) for text in _complaints(path, each)]


def _complaints(path: str, each: Import) -> Iterator[str]:
    layer = path.partition("/")[0]
    if each.package in LAYERS and not each.ours:
        yield f"{each.module}: the import package is ipcbench"
    if each.package in ONLY_IN and not path.startswith(ONLY_IN[each.package]):
        yield f"{each.module} is only for {', '.join(ONLY_IN[each.package])}"
    if each.package in HEAVY and each.on_top and layer != "reports":
        yield f"{each.module} is heavy: import it inside the function"
    if each.package in HEAVY and layer == "transports":
        yield f"{each.module}: transports do without"
    if each.ours.startswith("transports.testing") and layer != "transports":
        yield "transports.testing is for tests"
    if each.ours and each.package in LAYERS and not _allowed(path, layer, each):
        yield f"{layer} may not import {each.module} here"
    if layer == "reports" and f"{each.ours}.".startswith(JUDGED_BY):
        yield f"{each.module}: verdicts come from bench.decisions.verdicts and ranks"
    yield from _between_facilities(path, each)


def own_tests(source: str) -> list[str]:
    """Return the names of statistical tests in a file of reports, which judges by decisions alone.

    Only what is imported from bench.decisions may have such a name.
    """
    tree = ast.parse(source)
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found |= set(definitions(source)) | {each.module.rpartition(".")[2] for each in imports(source)}
    return sorted(name for name in found if TESTS.search(name))


def _allowed(path: str, layer: str, each: Import) -> bool:
    if each.package == layer:
        return True
    if layer == "bench" and each.package == "reports":
        return path.startswith("bench/commands/") and not each.on_top
    if layer == "reports" and each.package == "bench":
        return f"{each.ours}.".startswith(FROM_BENCH)
    return layer == "bench" and each.package == "transports"


def _between_facilities(path: str, each: Import) -> Iterator[str]:
    parts, target = path.split("/"), each.ours.split(".")
    if parts[0] != "transports" or target[0] != "transports" or len(target) < 2:
        return
    pair = (parts[1], target[1])
    if set(pair) <= set(FACILITIES) and pair[0] != pair[1] and pair not in SHARED_FACILITIES:
        yield f"the facility {pair[0]} may not import {each.module}"


def bare_imports(source: str) -> list[str]:
    """Return the imports of a layer by its bare name: of tests and examples as well."""
    return [each.module for each in imports(source) if each.package in LAYERS and not each.ours]


def reexports(module: str, source: str) -> list[str]:
    """Return the names that a file imports from a module which does not define them."""
    return [
        f"{module} imports {each.module}, which is defined elsewhere"
        for each in imports(source)
        if each.source != each.module
        and each.source not in FACES
        and each.source.startswith("ipcbench.")
        and _file(each.module) is None
        and each.module.rpartition(".")[2] not in _defined(each.source)
    ]


def module_of(path: Path) -> str:
    """Return the name by which a file of a layer is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("ipcbench", *parts[: -1 if parts[-1] == "__init__" else None]))


def _file(module: str) -> Path | None:
    """Return the source file of a module of ours."""
    base = ROOT.joinpath(*module.split("."))
    files = [base / "__init__.py", *(base.with_name(f"{base.name}.{end}") for end in ("py", "pyi"))]
    return next((path for path in files if path.is_file()), None)


@cache
def _defined(module: str) -> frozenset[str]:
    path = _file(module)
    return frozenset() if path is None else frozenset(definitions(path.read_text()))


def definitions(source: str) -> Iterator[str]:
    """Yield the names that a file defines at its top, without those that it imports."""
    yield from _names(ast.parse(source).body)


def _names(body: Iterable[ast.AST]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.For | ast.With):
            yield from (
                part.id
                for part in ast.walk(node)
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            )
        elif isinstance(node, ast.If | ast.Try):
            yield from _names(part for part in ast.iter_child_nodes(node))
        elif isinstance(node, ast.ExceptHandler):
            yield from _names(node.body)


def c_complaints(path: str, source: str) -> list[str]:
    """Return the includes of a C file that break a rule.

    Of transports, bench knows the operations of a capsule and the exit of a child.
    """
    own, ours = Path(path).parent, re.findall(r'^\s*#\s*include\s*"([^"]+)"', source, re.M)
    found = []
    for name in ours:
        beside = (ROOT / own / name).is_file()
        if path == OPS:
            found.append(f"{name}: a plug-in needs {OPS} alone")
        elif not ("/" not in name and beside) and (
            path.startswith("transports/") or name not in LENT
        ):
            found.append(f"{own} may not include {name} here")
    return found


def folder_circles(layer: str) -> list[str]:
    """Return the pairs of folders of a layer that import each other, directly or not."""
    arrows: dict[str, set[str]] = {}
    for path in (ROOT / layer).rglob("*.py"):
        own = _folder(path.relative_to(ROOT).with_suffix("").parts)
        for each in imports(path.read_text()):
            target = _file(each.module) or _file(each.source)
            if each.package == layer and each.ours and target is not None:
                other = _folder(target.relative_to(ROOT / "ipcbench").with_suffix("").parts)
                arrows.setdefault(own, set()).add(other)
    return [
        f"{one} <-> {other}"
        for one in sorted(arrows)
        for other in sorted(_reached(arrows, one) - {one})
        if one < other and one in _reached(arrows, other)
    ]


def _folder(parts: tuple[str, ...]) -> str:
    return "/".join(parts[:2])


def _reached(arrows: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    left = list(arrows.get(start, ()))
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left.extend(arrows.get(one, ()))
    return found
