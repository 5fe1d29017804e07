"""Who may import whom, file by file: the rules of the layout, read from the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("transports", "bench", "reports")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
SOURCES = sorted(
    path for folder in FOLDERS for end in ("c", "h") for path in (ROOT / folder).rglob(f"*.{end}")
)

OPS = "transports/native/ops.h"  # what a plug-in includes, and with the other ones, bench
LENT = {OPS, "transports/native/child_exit.h", "transports/native/open_capsule.h"}
HEAVY = {"numpy", "matplotlib", "scipy"}  # what a worker must not have to load
LINES = 420  # a room that grows past about 400 is two rooms
LONG: set[str] = set()  # the files that may be longer, each for a reason


@dataclass(frozen=True, slots=True)
class Import:
    module: str
    on_top: bool  # runs when the file is imported, not when a function is called

    @property
    def package(self) -> str:
        """The layer for a module of ours, the top-level package for any other."""
        return self.inner.partition(".")[0]

    @property
    def inner(self) -> str:
        """Path inside our import package; the module itself for any other."""
        return self.module.removeprefix("ipcbench.")


def imports(source: str) -> list[Import]:
    return list(_imports(ast.parse(source), on_top=True))


def _imports(node: ast.AST, on_top: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            inner = [found for part in child.body for found in _one(part, on_top=False)]
            yield from inner
            for part in child.orelse:
                yield from _one(part, on_top)
        else:
            yield from _one(child, on_top)


def _one(node: ast.AST, on_top: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, on_top) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        # `from ipcbench.bench import stats` imports ipcbench.bench.stats
        yield from (Import(f"{node.module}.{alias.name}", on_top) for alias in node.names)
    else:
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _imports(node, on_top and not inside)


def _is_type_checking(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def complaints(path: str, source: str) -> list[str]:
    """What in this file breaks a rule."""
    folder = path.partition("/")[0]
    found = []
    for each in imports(source):
        ours = each.package in FOLDERS and each.package != folder
        if each.package in FOLDERS and each.inner == each.module:
            found.append(f"{each.module}: the import package is ipcbench")
        if each.package in HEAVY and each.on_top and folder != "reports":
            found.append(f"{each.module} is heavy: import it inside the function")
        if each.package in HEAVY and folder == "transports":
            found.append(f"{each.module}: transports do without")
        if each.package == "pytest" and not path.startswith("transports/testing/"):
            found.append("pytest is for tests, and for transports.testing")
        if each.inner.startswith("transports.testing") and folder != "transports":
            found.append("transports.testing is for tests")
        if ours and not _allowed(path, folder, each):
            found.append(f"{folder} may not import {each.module} here")
    return found


def c_complaints(path: str, source: str) -> list[str]:
    """The same for C: of transports, bench knows a capsule's operations and how they are left."""
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


def _allowed(path: str, folder: str, each: Import) -> bool:
    if folder == "bench":
        above = path == "bench/cli.py" and not each.on_top
        return each.package == "transports" or (each.package == "reports" and above)
    if folder == "reports":
        return f"{each.inner}.".startswith(("bench.results.", "bench.stats."))
    return False


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    assert complaints(str(path.relative_to(ROOT)), path.read_text()) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("transports/pipes/pipe.py", "import ipcbench.bench"),
        ("transports/pipes/pipe.py", "def f():\n    from ipcbench.bench.stats import median"),
        ("transports/pipes/pipe.py", "def f():\n    import numpy"),
        ("transports/pipes/pipe.py", "import pytest"),
        ("bench/workers/worker.py", "from ipcbench.reports import page"),
        ("bench/workers/worker.py", "def f():\n    from ipcbench.reports import page"),
        ("bench/cli.py", "from ipcbench.reports import page"),
        ("bench/cli.py", "class A:\n    import ipcbench.reports.page.page"),
        ("bench/stats.py", "try:\n    import scipy.stats\nexcept ImportError:\n    pass"),
        ("bench/stats.py", "from numpy import array"),
        ("bench/workers/worker.py", "from ipcbench.transports.testing import actors"),
        ("reports/page/page.py", "from ipcbench.bench import journal"),
        ("reports/page/page.py", "import ipcbench.bench.resultset"),
        ("reports/page/page.py", "from ipcbench.transports import names"),
    ],
)
def test_the_rules_can_be_broken(path: str, source: str) -> None:
    assert complaints(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("transports/testing/suite.py", "import pytest"),
        ("bench/cli.py", "def f():\n    from ipcbench.reports.page.page import write"),
        ("bench/results/results.py", "def f():\n    import numpy"),
        ("bench/workers/worker.py", "from ipcbench.transports.contract import Spec"),
        ("reports/page/page.py", "from ipcbench.bench import results, stats"),
        ("reports/page/page.py", "from ipcbench.bench.results.results import Suite"),
        ("reports/drawing/figures.py", "import matplotlib"),
    ],
)
def test_the_rules_can_be_kept(path: str, source: str) -> None:
    assert complaints(path, source) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_includes_go_one_way(path: Path) -> None:
    assert c_complaints(str(path.relative_to(ROOT)), path.read_text()) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("transports/native/counted_ring.c", '#include "bench/loops/_loops.h"'),
        ("transports/native/counted_ring.c", '#include "../../bench/loops/_loops.h"'),
        ("transports/native/counted_ring.c", '#include "_loops.h"'),
        ("transports/native/counted_ring.c", '# include "transports/native/ops.h"'),
        ("transports/native/ops.h", '#include "capsule.h"'),
        ("bench/loops/_loops.c", '#include "transports/native/capsule.h"'),
        ("bench/loops/_loops.c", '#include <errno.h>\n  #include "../transports/native/ops.h"'),
    ],
)
def test_the_rules_of_c_can_be_broken(path: str, source: str) -> None:
    assert c_complaints(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("transports/native/counted_ring.c", '#include "counted_ring.h"\n#include <errno.h>'),
        ("bench/loops/_loops.h", '#include "transports/native/ops.h"'),
        ("bench/loops/_loops.c", '#include "_loops.h"'),
    ],
)
def test_the_rules_of_c_can_be_kept(path: str, source: str) -> None:
    assert c_complaints(path, source) == []


def test_no_room_is_too_large() -> None:
    long = {
        str(path.relative_to(ROOT))
        for path in (*FILES, *SOURCES)
        if len(path.read_text().splitlines()) > LINES
    }
    assert long - LONG == set(), "split the room, or list it with a reason"


def test_there_is_no_utils() -> None:
    assert [path for path in FILES if path.stem in ("utils", "util", "helpers", "misc")] == []
