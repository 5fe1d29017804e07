"""Fixtures of the fault tests: a sandbox and a cgroup for each test."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.sweeps import Sandbox

_ROOT = Path("/sys/fs/cgroup")  # in version 1, a hierarchy below for each controller: cgroups(7)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    # Not below `tmp_path`, which is too long for a socket's path of 107 bytes: unix(7).
    with tempfile.TemporaryDirectory(prefix="ipc-", dir="/tmp") as home:
        yield Sandbox(tmp_path, Path(home))


@pytest.fixture
def pids() -> Iterator[Path]:
    """An empty cgroup with the controller of pids, of cgroups v1 or v2."""
    with _cgroup("pids", ("pids.max",)) as folder:
        yield folder


@pytest.fixture
def memory() -> Iterator[Path]:
    """An empty cgroup with the controller of memory, of cgroups v1 or v2."""
    with _cgroup("memory", ("memory.max", "memory.limit_in_bytes")) as folder:
        yield folder


@contextlib.contextmanager
def _cgroup(controller: str, files: tuple[str, ...]) -> Iterator[Path]:
    first = _ROOT / controller
    base = first if first.is_dir() else _ROOT
    folder = base / f"ipcbench-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    try:
        if not any((folder / name).exists() for name in files):
            pytest.skip(f"this machine has no controller of {controller} (cgroup.subtree_control)")
        yield folder
    finally:
        while (folder / "cgroup.procs").read_text():  # a zombie stays in it until it is waited for
            time.sleep(0.01)
        folder.rmdir()
