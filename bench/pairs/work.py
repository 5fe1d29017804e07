"""The work that a comparison is: itself, or a run of a selftest, by which it is continued."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import NamedTuple

from ipcbench.bench.sweep.shared.stopping import resumes

COMMAND = "ipcbench compare"
SELFTEST = "selftest.jsonl"  # the journal of a selftest, two folders above those of its runs


class Work(NamedTuple):
    """The folder, the word and the command of what is continued after a stop."""

    folder: Path
    name: str
    command: str


def work_of(folder: Path) -> Work:
    """Return the work that the comparison in a folder belongs to."""
    above = folder.absolute().parent.parent
    if os.path.lexists(above / SELFTEST):
        return Work(above, "selftest", "ipcbench selftest")
    return Work(folder, "comparison", COMMAND)


def kept(folder: Path) -> str:
    """Say what a stopped comparison has kept, and how to go on."""
    work = work_of(folder)
    again = f"the measurements are kept; continue: {resumes(work.folder, work.command)}"
    if work.folder != folder:
        return again
    return f"{again}; or show the verdicts so far: {COMMAND} --show {shlex.quote(str(folder))}"
