"""The rules of the layout, held file by file, and examples that keep and break each."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.layers import (
    FACES,
    FILES,
    LAYERS,
    ROOT,
    SOURCES,
    bare_imports,
    c_complaints,
    complaints,
    definitions,
    folder_circles,
    module_of,
    own_tests,
    reexports,
)

LINES = 400  # a longer file is two files
MOST_FILES = 16  # of a folder; transports/native has a C file for each kind of operation
LARGE = {"transports/native"}

EVERY_MODULE = """
import collections, importlib, os, pkgutil, sys
import ipcbench

for found in pkgutil.walk_packages(ipcbench.__path__, "ipcbench."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
names = collections.defaultdict(set)
for name, module in list(sys.modules.items()):
    if getattr(module, "__file__", None):
        names[os.path.realpath(module.__file__)].add(name)
folders = tuple(os.path.join(os.path.realpath(sys.argv[1]), layer, "") for layer in sys.argv[2:])
ours = {file: found for file, found in names.items() if file.startswith(folders)}
print(len(ours), [sorted(found) for found in ours.values() if len(found) > 1])
"""


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=named)
def test_imports_go_one_way(path: Path) -> None:
    assert complaints(named(path), path.read_text()) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("transports/pipes/pipe.py", "import ipcbench.bench"),
        ("transports/pipes/pipe.py", "def f():\n    from ipcbench.bench.stats import median"),
        ("transports/pipes/pipe.py", "def f():\n    import numpy"),
        ("transports/pipes/pipe.py", "import pytest"),
        ("transports/pipes/pipe.py", "from ipcbench.transports.sockets import calls"),
        ("transports/sync/eventfd.py", "import ipcbench.transports.shm.layout"),
        ("transports/segments/posix.py", "from ipcbench.transports.sync.futex import FutexWord"),
        ("transports/queues/posix.py", "def f():\n    import ipcbench.transports.segments.file"),
        ("bench/workers/worker.py", "from ipcbench.reports import page"),
        ("bench/workers/worker.py", "def f():\n    from ipcbench.reports import page"),
        ("bench/cli.py", "def f():\n    from ipcbench.reports import page"),
        ("bench/commands/run.py", "from ipcbench.reports import page"),
        ("bench/commands/run.py", "class A:\n    import ipcbench.reports.page.page"),
        ("bench/stats.py", "try:\n    import scipy.stats\nexcept ImportError:\n    pass"),
        ("bench/stats.py", "from numpy import array"),
        ("bench/stats.py", "import click"),
        ("bench/sweep/sweep.py", "def f():\n    from click import echo"),
        ("bench/commands/list.py", "def f():\n    import matplotlib.pyplot"),
        ("bench/workers/worker.py", "from ipcbench.transports.testing import actors"),
        ("reports/page/page.py", "from ipcbench.bench.workers import job"),
        ("reports/page/page.py", "import ipcbench.bench.resultset"),
        ("reports/page/page.py", "from ipcbench.bench import errors"),
        ("reports/page/page.py", "from ipcbench.transports import registry"),
        ("reports/page/page.py", "from ipcbench.bench.decisions.comparison import p_faster"),
        ("reports/page/page.py", "from ipcbench.bench.decisions.looks import Judge"),
        ("reports/page/page.py", "from ipcbench.bench.decisions.ahead import ahead"),
        ("reports/charts/curves.py", "import matplotlib"),
        ("reports/charts/curves.py", "def f():\n    from matplotlib.figure import Figure"),
    ],
)
def test_the_rules_can_be_broken(path: str, source: str) -> None:
    assert complaints(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("transports/testing/suite.py", "import pytest"),
        ("transports/shm/transport.py", "from ipcbench.transports.segments import protocol"),
        ("transports/shm/transport.py", "from ipcbench.transports.sync.waiter import Waiter"),
        ("transports/sync/futex.py", "from ipcbench.transports.segments import protocol"),
        ("transports/pipes/fifo.py", "from ipcbench.transports.pipes import pipe"),
        ("transports/pipes/pipe.py", "from ipcbench.transports.base.defaults import Defaults"),
        ("bench/cli.py", "import click"),
        ("bench/commands/new.py", "import click"),
        ("bench/commands/new.py", "def f():\n    from ipcbench.reports.page.page import write"),
        ("bench/results/results.py", "def f():\n    import numpy"),
        ("bench/workers/worker.py", "from ipcbench.transports.contract import Spec"),
        ("reports/page/page.py", "from ipcbench.bench import results, stats"),
        ("reports/page/page.py", "from ipcbench.bench.results.results import Suite"),
        ("reports/page/page.py", "from ipcbench.bench.decisions.ranks import Rank"),
        ("reports/page/page.py", "from ipcbench.bench.decisions.verdicts import of_results"),
        ("reports/page/page.py", "from ipcbench.bench.decisions.comparison import log_ratio"),
        ("reports/drawing/figures.py", "import matplotlib"),
        ("reports/page/page.py", "import reportlab, benchmarks"),
    ],
)
def test_the_rules_can_be_kept(path: str, source: str) -> None:
    assert complaints(path, source) == []


@pytest.mark.parametrize("path", [path for path in FILES if "reports/" in named(path)], ids=named)
def test_reports_hold_no_statistical_tests_of_their_own(path: Path) -> None:
    assert own_tests(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "from ipcbench.bench.stats import holm",
        "from ipcbench.bench import stats\nx = stats.sign_test([1.0])",
        "def mann_whitney(a, b): ...",
        "p_values = [0.1]",
        "def f(p_value): return p_value < 0.05",
    ],
)
def test_a_statistical_test_in_reports_is_found(source: str) -> None:
    assert own_tests(source)


def test_nothing_imports_a_layer_by_its_bare_name() -> None:
    others = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]
    found = {
        named(path): bare for path in (*FILES, *others) if (bare := bare_imports(path.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    ["import bench", "import transports.pipes", "def f():\n    from reports.page import page"],
)
def test_a_bare_name_is_found(source: str) -> None:
    assert bare_imports(source)
    assert complaints("tests/anything.py", source)


def test_no_module_is_loaded_under_two_names() -> None:
    program = [sys.executable, "-P", "-c", EVERY_MODULE, str(ROOT), *LAYERS]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    number, _, twice = done.stdout.strip().partition(" ")
    assert int(number) >= len(FILES)
    assert twice == "[]"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_names_are_imported_from_the_file_that_defines_them(path: Path) -> None:
    if module_of(path) not in FACES:
        assert reexports(module_of(path), path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "from ipcbench.bench.results.results import Run",
        "def f():\n    from ipcbench.bench.sweep.sweep import Journal",
        "from ipcbench.bench.stats import no_such_name",
        "from ipcbench.transports.registry import Spec",
    ],
)
def test_a_reexport_is_found(source: str) -> None:
    assert reexports("ipcbench.bench.any", source)


@pytest.mark.parametrize(
    "source",
    [
        "from ipcbench.bench.results.records import Run",
        "from ipcbench.bench.results import records",
        "from ipcbench.transports.contract import Spec",
        "from ipcbench.bench import stats\nimport ipcbench.bench.stats",
        "from collections.abc import Iterator",
    ],
)
def test_a_definition_may_be_imported(source: str) -> None:
    assert reexports("ipcbench.bench.any", source) == []


def test_definitions_are_read_at_any_place() -> None:
    source = (
        "import a\nfrom b import c\nX = 1\nY: int\nZ, W = 1, 2\n"
        "try:\n    import d\nexcept E:\n    d = None\nif X:\n    def f(): pass\nclass K: pass\n"
    )
    assert set(definitions(source)) == {"X", "Y", "Z", "W", "d", "f", "K"}


@pytest.mark.parametrize("layer", LAYERS)
def test_folders_import_each_other_in_no_circle(layer: str) -> None:
    assert folder_circles(layer) == []


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_includes_go_one_way(path: Path) -> None:
    assert c_complaints(named(path), path.read_text()) == []


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


def test_no_file_is_too_long() -> None:
    long = [
        named(path) for path in (*FILES, *SOURCES) if len(path.read_text().splitlines()) > LINES
    ]
    assert long == [], "split the file"


def test_no_folder_is_too_large() -> None:
    numbers = Counter(named(path.parent) for path in (*FILES, *SOURCES))
    large = {folder for folder, number in numbers.items() if number > MOST_FILES}
    assert large <= LARGE, "group its files into folders"


def test_there_is_no_utils() -> None:
    assert [path for path in FILES if path.stem in ("utils", "util", "helpers", "misc")] == []
