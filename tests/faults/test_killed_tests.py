"""A killed run of these tests: it leaves no kernel object, even if its children live on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.e2e.command import environment, wait_for

ROOT = Path(__file__).parents[2]
HANGS = """
import os, time
from pathlib import Path
from ipcbench.transports.contract import Spec
from ipcbench.transports.registry import get
from ipcbench.transports.testing.leaks import kernel_objects, without_other_runs

def test_it_hangs():
    before = kernel_objects().keys()
    get("shm:posix+spin").create(Spec(64))
    (segment,) = without_other_runs(kernel_objects().keys() - before)
    child = os.fork()
    if child:
        Path(__file__).with_name("child").write_text(f"{child} {segment.name}\\n")
    time.sleep(100)
"""


def test_a_killed_run_leaves_no_object(tmp_path: Path) -> None:
    child, hangs = tmp_path / "child", tmp_path / "test_hangs.py"
    hangs.write_text(HANGS)
    words = ["-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider", str(hangs)]
    with subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL
    ) as run:
        wait_for("the segment", lambda: child.exists() and child.read_text().endswith("\n"))
        pid, segment = child.read_text().split()
        assert Path(segment).exists()
        run.kill()
    try:
        wait_for("the removal of the segment", lambda: not Path(segment).exists())
    finally:
        os.kill(int(pid), signal.SIGKILL)
