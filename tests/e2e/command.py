"""The real command, run as a process, and the processes of a running sweep."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PLUGINS = Path(__file__).parents[1] / "plugins"
FITNESS = (0, 2)  # exit codes of doctor: a machine that runs tests may be too busy to measure on
DEADLINE = 100.0  # seconds: a watchdog, not a measurement


def environment(*, plugins: bool = False, **more: str) -> dict[str, str]:
    """Build a command's environment, without the ledger of this test run."""
    found = {key: value for key, value in os.environ.items() if key != "IPCBENCH_LEDGER"}
    if plugins:
        found["PYTHONPATH"] = str(PLUGINS)
    return found | more


def ipcbench(
    *arguments: str | Path, plugins: bool = False, cwd: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "ipcbench", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        cwd=cwd,
        env=environment(plugins=plugins, **more),
        check=False,
    )


def swept_by(profile: str, place: Path) -> Path:
    """Sweep by a profile's text, by the real clock; return the folder of the run."""
    written = place / "profile.toml"
    written.write_text(profile)
    done = ipcbench("run", "--keep-disturbed", "--profile", written, "-o", place / "run")
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "run"


def findings(doctor: str) -> list[dict[str, str]]:
    """Return the findings of `doctor --json`."""
    found: list[dict[str, str]] = json.loads(doctor)["findings"]
    return found


@contextmanager
def started(*arguments: str | Path, plugins: bool = False) -> Iterator[subprocess.Popen[str]]:
    """Start a command; kill it at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ipcbench", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(plugins=plugins),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(what: str, happened: Callable[[], object]) -> None:
    """Wait until `happened()` is true; fail with `what` if it never is."""
    deadline = time.monotonic() + DEADLINE / 2
    while not happened():
        assert time.monotonic() < deadline, f"did not happen in time: {what}"
        time.sleep(0.01)


def lines(folder: Path, kind: str) -> int:
    """Count the lines of a kind in a journal."""
    journal = folder / "journal.jsonl"
    if not journal.exists():
        return 0
    return journal.read_text().count(f'{{"kind":"{kind}"')


def children(pid: int) -> set[int]:
    """Find the children of a process."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.add(int(folder.name))
    return found


def descendants(pid: int) -> set[int]:
    """Find the children of a process, their children and so on."""
    found = children(pid)
    return found.union(*(descendants(child) for child in found))


def command_line(pid: int) -> str:
    """Read a process's command line; empty if there is no such process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def parts(pid: int) -> dict[str, set[int]]:
    """Find the processes of a running sweep by their part in it."""
    parents = {
        child
        for child in children(pid)
        if "ipcbench.bench.workers.fork_parent" in command_line(child)
    }
    workers = {grandchild for parent in parents for grandchild in children(parent)}
    peers = {below for worker in workers for below in children(worker)}
    return {"command": {pid}, "fork server": parents, "worker": workers, "peer": peers}


def alive(pids: set[int]) -> set[int]:
    """Select the processes that still run; a zombie does not."""
    found = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state not in "ZX":
            found.add(pid)
    return found


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[str, str]:
    """Send a signal and wait; return standard output and standard error."""
    process.send_signal(number)
    return process.communicate(timeout=DEADLINE)
