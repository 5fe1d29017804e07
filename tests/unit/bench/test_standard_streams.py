"""Descriptors 0 to 2 are open before a process opens another one."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CLOSED = [which for size in (1, 2, 3) for which in itertools.combinations((0, 1, 2), size)]

PROGRAM = """
import json, os, subprocess, sys
from ipcbench.bench.machine.standard_streams import open_standard_streams
open_standard_streams()
new = os.open("/", os.O_RDONLY)
print("to nothing")
print("to nothing", file=sys.stderr)
sys.stdin.fileno()
LINKS = "import os; links = [os.readlink(f'/proc/self/fd/{fd}') for fd in range(3)]"
REPORT = "; os.write(7, '|'.join([*links, '']).encode())"
subprocess.run([sys.executable, "-c", LINKS + REPORT], pass_fds=[7], check=True)
with os.fdopen(7, "w") as report:
    report.write(json.dumps([new, [os.readlink(f"/proc/self/fd/{fd}") for fd in range(3)]]))
"""


@pytest.mark.parametrize("closed", CLOSED, ids=str)
def test_a_closed_descriptor_is_opened_on_dev_null(closed: tuple[int, ...], tmp_path: Path) -> None:
    redirected = " ".join(f"{fd}>&-" for fd in closed)
    report = tmp_path / "report"
    subprocess.run(
        ["sh", "-c", f'exec "$@" 7>"{report}" {redirected}', "sh", sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=60,
    )
    *inherited, last = report.read_text().split("|")
    new, own = json.loads(last)
    assert new > 2
    for links in (inherited, own):
        for fd in closed:
            assert links[fd] == "/dev/null"


def test_open_descriptors_stay_open() -> None:
    program = (
        "import sys; import ipcbench.bench.machine.standard_streams as s\n"
        "before = sys.stdin, sys.stdout, sys.stderr\n"
        "s.open_standard_streams(); s.open_standard_streams()\n"
        "assert before == (sys.stdin, sys.stdout, sys.stderr)\n"
        "print('said')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("said\n", "")
