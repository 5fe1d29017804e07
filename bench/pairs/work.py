"""The work that a comparison is: itself, or a run of a selftest, by which it is continued.

The folder of a selftest has its runs two folders below: DIR/runs/001.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

from ipcbench.bench.sweep.shared.stopping import resumes

COMMAND = "ipcbench compare"


class Work(NamedTuple):
    """The folder, the word and the command of what is continued after a stop."""

    folder: Path
    name: str
    command: str


def work_of(folder: Path, selftest: bool) -> Work:
    """Return the work that the comparison in a folder is, or the selftest that it is a run of."""
    if selftest:
        return Work(folder.absolute().parent.parent, "selftest", "ipcbench selftest")
    return Work(folder, "comparison", COMMAND)


def kept(work: Work) -> str:
    """Say what a stopped comparison has kept, and how to go on."""
    again = f"the measurements are kept; continue: {resumes(work.folder, work.command)}"
    if work.command != COMMAND:
        return again
    return f"{again}; or show the verdicts so far: {COMMAND} --show {shlex.quote(str(work.folder))}"
