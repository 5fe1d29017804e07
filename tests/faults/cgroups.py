"""A cgroup of a test's own, with settings: cgroups(7)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def made(folder: Path, settings: Mapping[str, str], controller: str) -> Iterator[Path]:
    """Make a cgroup, write its settings, and remove it when its processes have ended.

    Where this machine allows no such cgroup, the test is skipped with the reason.
    """
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    try:
        try:
            for name, value in settings.items():
                (folder / name).write_text(value)
        except OSError as error:
            pytest.skip(f"this machine has no {controller}: {error}")
        yield folder
    finally:
        while (folder / "cgroup.procs").read_text():
            time.sleep(0.01)
        folder.rmdir()
