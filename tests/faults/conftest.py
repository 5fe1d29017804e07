"""Fixtures of the fault tests: a sandbox and a cgroup for each test."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.sweeps import Sandbox

_FIRST = Path("/sys/fs/cgroup/pids")  # cgroups(7): one hierarchy for each controller


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    # Not below `tmp_path`, which is too long for a socket's path of 107 bytes: unix(7).
    with tempfile.TemporaryDirectory(prefix="ipc-", dir="/tmp") as home:
        yield Sandbox(tmp_path, Path(home))


@pytest.fixture
def pids() -> Iterator[Path]:
    """An empty cgroup with the controller of pids, of cgroups v1 or v2."""
    base = _FIRST if _FIRST.is_dir() else _FIRST.parent
    folder = base / f"ipcbench-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    try:
        if not (folder / "pids.max").exists():
            pytest.skip("this machine has no controller of pids (cgroup.subtree_control)")
        yield folder
    finally:
        while (folder / "cgroup.procs").read_text():  # a zombie stays in it until it is waited for
            time.sleep(0.01)
        folder.rmdir()
