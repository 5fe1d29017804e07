"""Build of the compiled part where possible; elsewhere the rest works and gives the reason."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from ipcbench.bench.loops.native_loops import missing
from ipcbench.bench.results.results import Status, load
from ipcbench.transports.native import REMEDY
from tests.compiling import lacking
from tests.e2e.command import findings
from tests.e2e.installing import built_wheel, environment_with, run

BUSY = '"$0" "$@" || [ $? = 2 ]'  # doctor: this machine may be too busy to measure on
HEADER = Path(sysconfig.get_paths()["include"], "Python.h")


def test_it_is_built_where_possible() -> None:
    """setup.py ignores a failed build, since it is optional; this test does not."""
    compiler = os.environ.get("CC", sysconfig.get_config_var("CC") or "cc").split()[0]
    possible = shutil.which(compiler) is not None and HEADER.exists()
    if not possible and not os.environ.get("CI"):
        pytest.skip(f"there is no C compiler, or no {HEADER}: {REMEDY}")
    assert missing() is None


@pytest.mark.parametrize(
    ("more", "level"), [({}, "-O2"), ({"IPCBENCH_CFLAGS": "-O1"}, "-O1")], ids=["ours", "asked for"]
)
def test_it_is_optimized_whatever_flags_python_has(
    tmp_path: Path, more: dict[str, str], level: str
) -> None:
    """A debug Python, and many a user's CFLAGS, say -O0: the loops would be slow."""
    if lacking():
        pytest.skip(lacking())
    wheel = built_wheel(tmp_path, CFLAGS="-O0 -I/nowhere", CI="1", **more)
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "out")
    show = "from ipcbench.transports.native import operations; print(operations.BUILD)"
    build = run(sys.executable, "-c", show, cwd=tmp_path / "out")
    assert re.fullmatch(rf"(GCC|\S*( \S+)? ?[Cc]lang).* \d+\.\d.*, {level} -.*\n", build)
    assert "-std=gnu11" in build
    assert "not optimized" not in build  # the compiler's own word: __OPTIMIZE__
    assert "-O0" not in build
    assert "/nowhere" not in build


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment built without a compiler."""
    place = tmp_path_factory.mktemp("without")
    wheel = built_wheel(place, CC="/bin/false", CI="")
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".so")]
    return environment_with(wheel, place)


def test_list_and_doctor_report_why_it_is_missing(without: Path, tmp_path: Path) -> None:
    command = without / "bin/ipcbench"
    (pipe,) = (
        entry
        for entry in json.loads(run(command, "list", "--json", cwd=tmp_path))
        if entry["name"] == "pipe"
    )
    assert pipe["available"]
    assert not pipe["native"]["available"]
    assert "the native runtime is not built here" in pipe["native"]["reason"]
    assert pipe["native"]["remedy"] == REMEDY
    assert REMEDY in " ".join(run(command, "list", cwd=tmp_path).split())
    (found,) = (
        one
        for one in findings(run("sh", "-c", BUSY, command, "doctor", "--json", cwd=tmp_path))
        if one["topic"] == "native runtime"
    )
    assert (found["severity"], found["remedy"]) == ("warning", REMEDY)


def test_native_cells_are_skipped_and_the_others_measured(without: Path, tmp_path: Path) -> None:
    run(
        without / "bin/ipcbench", "run", "--profile", "smoke", "--clock", "fake", "pipe",
        "--pattern", "latency", "--runtime", "python", "--runtime", "native", "-o", "out",
        cwd=tmp_path,
    )  # fmt: skip
    results = load(tmp_path / "out")
    assert {result.cell.runtime for result in results.ok()} == {"python"}
    skipped = [one for one in results.cells.values() if one.status is Status.SKIPPED]
    assert {one.cell.runtime for one in skipped} == {"native"}
    for one in skipped:
        assert one.skipped is not None
        assert "the native runtime is not built here" in one.skipped.reason
        assert one.skipped.remedy == REMEDY
    page = (tmp_path / "out/report.html").read_text()
    assert "the native runtime is not built here" in page
    assert REMEDY in page.replace("&#39;", "'")


def test_a_sweep_of_native_cells_alone_fails_with_the_reason(without: Path, tmp_path: Path) -> None:
    output = run(
        without / "bin/ipcbench", "run", "--profile", "smoke", "pipe",
        "--runtime", "native", "-o", "out", cwd=tmp_path, code=3,
    )  # fmt: skip
    assert "the native runtime is not built here" in output
    assert REMEDY in output
    lines = [line for line in output.splitlines() if not line.startswith("other processes:")]
    summary, page, again, reason = lines
    assert (page, reason.partition(":")[0]) == ("page: out/report.html", "Error")
    assert summary.startswith("0 rounds; ")
    assert again.startswith("again: ")
