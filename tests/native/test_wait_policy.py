"""Interruptible waiting (native/doorbell.h): it returns early enough for signal handlers."""

from __future__ import annotations

import errno
import shutil
import subprocess
from pathlib import Path

import pytest

from ipcbench.transports.native import header

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("exclusive_cpu", "most"),
    [(0, 1000), (1, 1 << 21)],  # looks: each one takes a slice of time, or some nanoseconds
    ids=["shared CPU", "exclusive CPU"],
)
def test_looks_before_handlers_may_run(tmp_path: Path, exclusive_cpu: int, most: int) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler: apt-get install gcc")
    program, source = tmp_path / "wait_policy", HERE / "wait_policy.c"
    command = [compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{header()}"]
    subprocess.run([*command, "-o", program, source], check=True)
    done = subprocess.run([program, str(exclusive_cpu)], check=True, capture_output=True, text=True)
    found, looks = map(int, done.stdout.split())
    assert found == -errno.EINTR
    assert 100 < looks < most
