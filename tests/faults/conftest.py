"""A place of its own for each test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.sweeps import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    # Not below `tmp_path`, which leaves a socket's path no room: unix(7).
    with tempfile.TemporaryDirectory(prefix="ipc-", dir="/tmp") as home:
        yield Bench(tmp_path, Path(home))
