"""The wheel is whole: built from a clean copy, put elsewhere, and run from there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from bench.config import PROFILES
from bench.version import VERSION
from tests.e2e.command import environment

ROOT = Path(__file__).parents[2]
PACKAGES = ("transports", "bench", "reports")
LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "*.so")


def run(*command: str | Path, cwd: Path) -> str:
    """What it prints; nothing of the checkout is on its path."""
    env = environment()
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        env.pop(name, None)
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("wheel") / "copy"
    for folder in PACKAGES:
        shutil.copytree(ROOT / folder, copy / folder, ignore=LEFTOVERS)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    run(
        sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "../dist", ".",
        cwd=copy,
    )  # fmt: skip
    (found,) = (copy.parent / "dist").glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel, and the dependencies of this one."""
    place = tmp_path_factory.mktemp("elsewhere") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", place, cwd=place.parent)
    run(
        sys.executable, "-m", "pip", "--python", place / "bin/python", "--no-input",
        "--disable-pip-version-check", "install", "--no-deps", "--no-index", "--quiet", wheel,
        cwd=place.parent,
    )  # fmt: skip
    site = run(
        place / "bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))",
        cwd=place.parent,
    )  # fmt: skip
    # Folders only: the .pth files in them, an editable install's among them, are not read.
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(site.strip()) / "dependencies.pth").write_text("\n".join(sorted(folders)))
    return place


def test_the_packages_are_those_of_the_tree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    there = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for folder in PACKAGES
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert set(project["tool"]["setuptools"]["packages"]) == there


def test_the_wheel_has_every_file_that_is_needed(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    needed = {
        str(path.relative_to(ROOT))
        for folder in PACKAGES
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix in (".py", ".toml", ".html", ".css", ".typed")
    }
    needed |= {str(path.relative_to(ROOT)) for path in ROOT.glob("*/py.typed")}
    assert {f"bench/profiles/{name}.toml" for name in PROFILES} <= needed
    assert "reports/templates/report.html" in needed
    assert needed <= names
    ours = {name for name in names if ".dist-info/" not in name}
    assert {name.partition("/")[0] for name in ours} == set(PACKAGES)  # and no tests
    licence = f"ipcbench-{VERSION}.dist-info/licenses/LICENSE"
    assert licence in names


def test_what_is_installed_runs_by_itself(installed: Path, tmp_path: Path) -> None:
    where = run(
        installed / "bin/python", "-c",
        "import json, bench, reports, transports\n"
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


def test_where_it_runs_may_have_modules_of_the_same_names(installed: Path, tmp_path: Path) -> None:
    """`python -m` looks into the current folder first: no process of ours may be misled by that."""
    for name in ("bench", "transports", "reports", "pyperf", "json", "msgspec"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(f'{__file__} is not ours')\n")
    run(
        installed / "bin/ipcbench", "run", "--profile", "smoke", "--clock", "fake",
        "-t", "pipe", "--pattern", "latency", "-s", "64", "-o", "out", cwd=tmp_path,
    )  # fmt: skip
    assert (tmp_path / "out/report.html").exists()
