"""A place of its own for each test."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.sweeps import Bench

_FIRST = Path("/sys/fs/cgroup/pids")  # cgroups(7): one hierarchy for each controller


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    # Not below `tmp_path`, which leaves a socket's path no room: unix(7).
    with tempfile.TemporaryDirectory(prefix="ipc-", dir="/tmp") as home:
        yield Bench(tmp_path, Path(home))


@pytest.fixture
def pids() -> Iterator[Path]:
    """A cgroup that counts its processes, empty: the first version's or the second's."""
    base = _FIRST if _FIRST.is_dir() else _FIRST.parent
    folder = base / f"ipcbench-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    try:
        if not (folder / "pids.max").exists():
            pytest.skip("the controller of pids is not to be had here (cgroup.subtree_control)")
        yield folder
    finally:
        while (folder / "cgroup.procs").read_text():  # who ends is in it until waited for
            time.sleep(0.01)
        folder.rmdir()
