"""Arms whose build is stopped or killed: no process and no half of an arm outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.command import environment, ipcbench
from tests.e2e.test_arms import git

# A build that does not end. The backend is the project's own, so that no package is needed.
BACKEND = """
import os, pathlib, time
def _hang(*arguments):
    pathlib.Path(os.environ["IPCBENCH_TEST_BUILDS"], str(os.getpid())).touch()
    time.sleep(100)
build_wheel = prepare_metadata_for_build_wheel = _hang
"""
DEADLINE = 30.0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "hangs"\nversion = "1"\n'
    )
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "hangs")
    return folder


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def building(project: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a comparison, and wait until its arm is being built; yield the builder's pid too."""
    builds = project.parent / "builds"
    builds.mkdir()
    command = [sys.executable, "-m", "ipcbench", "compare", "--base", "HEAD", "--clock", "fake"]
    process = subprocess.Popen(
        [*command, "pipe", "-o", str(project.parent / "out")],
        cwd=project,
        env=environment(XDG_CACHE_HOME=str(cache(project)), IPCBENCH_TEST_BUILDS=str(builds)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            until(lambda: bool(os.listdir(builds)) or process.poll() is not None)
            assert process.poll() is None, process.communicate()
            yield process, int(os.listdir(builds)[0])
        finally:
            process.kill()


def cache(project: Path) -> Path:
    return project.parent / "cache"


def entries(project: Path) -> list[Path]:
    """List what is left of arms, without locks."""
    found = (cache(project) / "ipcbench/arms").iterdir()
    return [path for path in found if path.suffix != ".lock"]


def ended(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_build_in_one_line(number: int, project: Path) -> None:
    with building(project) as (process, builder):
        process.send_signal(number)
        _, said = process.communicate(timeout=DEADLINE)
        assert process.returncode == 128 + number
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("Stopped by")
    until(lambda: ended(builder))
    assert [path for path in entries(project) if path.is_dir()] == []
    assert not (project.parent / "out").exists()


def test_a_kill_ends_a_build_too(project: Path) -> None:
    """The cleanup process ends it; what was begun goes with the next command that cleans."""
    with building(project) as (process, builder):
        during = ipcbench("clean", "--arms", "--json", XDG_CACHE_HOME=str(cache(project)))
        assert '"removed": []' in during.stdout  # it is in use
        process.kill()
        process.wait()
    until(lambda: ended(builder))
    assert entries(project) != []
    until(
        lambda: (
            ipcbench("clean", XDG_CACHE_HOME=str(cache(project))).returncode == 0
            and entries(project) == []
        )
    )
    assert list((cache(project) / "ipcbench/arms").iterdir()) == []


def test_a_build_ends_where_the_other_arm_is_refused(project: Path, tmp_path: Path) -> None:
    begun = time.monotonic()
    (tmp_path / "builds").mkdir()
    program = tmp_path / "python"  # it answers once the build has begun
    program.write_text(
        "#!/bin/sh\n"
        f'until [ -n "$(ls {tmp_path}/builds)" ]; do sleep 0.05; done\n'
        "echo Error: none >&2; exit 1\n"
    )
    program.chmod(0o755)
    done = ipcbench(
        "compare", "--base", "HEAD", "--head", f"python:{program}", "--clock", "fake", "pipe",
        cwd=project, XDG_CACHE_HOME=str(cache(project)),
        IPCBENCH_TEST_BUILDS=str(tmp_path / "builds"),
    )  # fmt: skip
    assert done.returncode == 3
    assert "head (python:" in done.stderr and "Error: none" in done.stderr
    assert time.monotonic() - begun < 60  # the build would take 100 s
    assert [path for path in entries(project) if path.is_dir()] == []
