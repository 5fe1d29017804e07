"""The wheel: complete, and it works in another environment."""

from __future__ import annotations

import json
import os
import sysconfig
import zipfile
from pathlib import Path

import pytest

from ipcbench.bench.loops.native_loops import missing
from ipcbench.bench.plan.profile import PROFILES
from ipcbench.bench.version import VERSION
from tests.e2e.installing import FOLDERS, ROOT, built_wheel, environment_with, run

COMPILED = ("ipcbench/transports/native/_native", "ipcbench/bench/loops/_loops")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment_with(wheel, tmp_path_factory.mktemp("elsewhere"))


def test_the_wheel_has_every_file_that_is_needed(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    needed = {
        f"ipcbench/{path.relative_to(ROOT)}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix in (".py", ".toml", ".html", ".css", ".js", ".typed")
    }
    needed |= {f"ipcbench/{name}" for name in ("__init__.py", "__main__.py", "py.typed")}
    needed.add("ipcbench/transports/native/ops.h")  # for compiling a plug-in
    assert {f"ipcbench/bench/profiles/{name}.toml" for name in PROFILES} <= needed
    assert "ipcbench/reports/page/templates/report.html" in needed
    assert needed <= names
    if missing() is None:
        compiled = {f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}" for name in COMPILED}
        assert {name for name in names if name.endswith(".so")} == compiled
    packaged = {name for name in names if ".dist-info/" not in name}
    assert {name.partition("/")[0] for name in packaged} == {"ipcbench"}  # without tests
    licence = f"ipcbench-{VERSION}.dist-info/licenses/LICENSE"
    assert licence in names


def test_the_installed_package_runs_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = run(
        installed / "bin/python", "-c",
        "import json; from ipcbench import bench, reports, transports\n"
        "print(json.dumps([each.__file__ for each in (bench, reports, transports)]))",
        cwd=tmp_path,
    )  # fmt: skip
    for file in json.loads(where):
        assert Path(file).is_relative_to(installed)
        assert not Path(file).is_relative_to(ROOT)
    command = installed / "bin/ipcbench"
    assert run(command, "--version", cwd=tmp_path).split()[-1] == VERSION
    run(command, "run", "--profile", "smoke", "--clock", "fake", "-o", "out", cwd=tmp_path)
    page = (tmp_path / "out/report.html").read_text()
    assert page.rstrip().endswith("</html>")
    assert "<svg" in page
    assert os.listdir(tmp_path) == ["out"]


def test_the_current_folder_may_have_modules_of_the_same_names(
    installed: Path, tmp_path: Path
) -> None:
    """`python -m` searches the current folder first, which no process of ipcbench may do."""
    for name in ("ipcbench", "bench", "transports", "reports", "pyperf", "json", "msgspec"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(f'{__file__} is foreign')\n")
    run(
        installed / "bin/ipcbench", "run", "--profile", "smoke", "--clock", "fake",
        "-t", "pipe", "--pattern", "latency", "-s", "64", "-o", "out", cwd=tmp_path,
    )  # fmt: skip
    assert (tmp_path / "out/report.html").exists()
