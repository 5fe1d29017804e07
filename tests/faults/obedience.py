"""Sweeps that are skipped, the remedy obeyed to the letter, and the same sweep again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ipcbench.bench.results.results import Results, Status, load
from tests.e2e.command import DEADLINE, environment
from tests.faults.confined import CANNOT, Confinement

# What the remedy is, a shell obeys in the same namespaces; it may stand behind a choice ("or").
_SCRIPT = """
sweep() {{ {python} -m ipcbench run {arguments} -o "$1"; }}
sweep first
{python} -m tests.faults.obedience first > remedy || exit
. ./remedy
sweep second
"""


def obey(folder: Path, confinement: Confinement, *arguments: str) -> tuple[str, Results, Results]:
    """Run a sweep before and after its remedy; return the remedy and both results."""
    all_of_them = ("--profile", "smoke", "--clock", "fake", *arguments)
    script = _SCRIPT.format(python=sys.executable, arguments=" ".join(all_of_them))
    done = subprocess.run(
        confinement.wrapped(["bash", "-c", script]),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        cwd=folder,
        env=environment(PYTHONPATH=str(Path(__file__).parents[2])),
        check=False,
    )
    if done.returncode == CANNOT:
        pytest.skip(done.stderr.strip())
    remedy = (folder / "remedy").read_text().strip()
    if remedy.startswith(("start the container", "on the container's host")):
        pytest.skip(f"a remedy outside this container: {remedy}")
    assert (folder / "second").exists(), done.stderr
    return remedy, load(folder / "first"), load(folder / "second")


def remedy_of(results: Results) -> str:
    """Return the remedy of the skipped or failed cells, which all have the same one."""
    skipped = {
        one.skipped.remedy for one in results.with_status(Status.SKIPPED) if one.skipped is not None
    }
    failed = {
        failure.remedy for one in results.with_status(Status.FAILED) for failure in one.failures
    }
    (remedy,) = skipped | failed
    return remedy.rpartition(", or ")[2]


if __name__ == "__main__":
    print(remedy_of(load(Path(sys.argv[1]))))
