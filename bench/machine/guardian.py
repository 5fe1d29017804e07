"""Who cleans up after a kill: a process that waits for the command to end, and does nothing else.

It holds the reading end of a pipe whose writing end is the command's alone.
A command that ends well says so first; when the pipe just closes, the
guardian kills what is left of the sweep and removes what the ledger names.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ipcbench.bench.workers.standard_streams import open_standard_streams
from ipcbench.transports.base.descriptors import close_all
from ipcbench.transports.base.os_errors import MORE_PROCESSES, refused
from ipcbench.transports.kernel_objects.ledger import (
    LEDGER_VARIABLE,
    Ledger,
    process_start,
    remove_all,
)

FAREWELL = b"all is well"
PATIENCE = 1.0  # seconds for killed processes to go


class Guardian:
    """The command's handle on it."""

    def __init__(self, ledger: Ledger) -> None:
        """Raises: Unavailable."""
        ends: tuple[int, ...] = ()
        try:
            ends = reading, self._writing = os.pipe2(os.O_CLOEXEC)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ipcbench.bench.machine.guardian", str(ledger.path)],
                stdin=reading,
                start_new_session=True,
            )
        except OSError as error:
            close_all(ends)
            raise refused("starting the guardian", error, MORE_PROCESSES) from error
        os.close(reading)
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """A copy of the command is not the command: it must not keep the line open."""
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1

    def dismiss(self) -> None:
        """Nothing is left to guard. Twice is harmless."""
        if self._writing >= 0:
            os.write(self._writing, FAREWELL)
            os.close(self._writing)
            self._writing = -1
            self._process.wait()


def watch(ledger: Ledger, pid: int) -> None:
    """Write down a process whose session must not outlive the command."""
    ledger.write({"session": pid, "start": process_start(pid)})


def _members(sessions: set[int], leaderless: set[int], ledger: Ledger) -> list[int]:
    """The processes of these sessions: proc_pid_stat(5), field 6.

    Of those that have lost their leader only who was started with this ledger.
    """
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            session, ended = int(fields[3]), fields[0] in "ZX"
            ours = session in sessions or (session in leaderless and _has(folder, ledger))
            if ours and not ended:
                found.append(int(folder.name))
    return found


def _has(process: Path, ledger: Ledger) -> bool:
    """Whether a process began with this ledger in its environment: proc_pid_environ(5)."""
    mark = os.fsencode(f"{LEDGER_VARIABLE}={ledger.path}")
    return mark in (process / "environ").read_bytes().split(b"\0")


def end_sessions(ledger: Ledger) -> int:
    """Kill every process of the sessions that a ledger names; how many there were.

    A session whose leader's pid has been given to somebody else since is not ours,
    and where its leader is dead, its number may have been as well.
    """
    sessions, leaderless = set(), set()
    for entry in ledger.entries():
        pid, start = entry.get("session"), entry.get("start")
        if isinstance(pid, int) and isinstance(start, int):
            now = process_start(pid)
            if now is None:
                leaderless.add(pid)
            elif now == start:
                sessions.add(pid)
    killed = 0
    deadline = time.monotonic() + PATIENCE
    while (left := _members(sessions, leaderless, ledger)) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        time.sleep(0.005)
    return killed


def clean_up(ledger: Ledger) -> list[str]:
    """End the processes and remove the objects of an abandoned ledger; what was removed."""
    end_sessions(ledger)
    return remove_all(ledger)


def main() -> None:
    open_standard_streams()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    ledger = Ledger(Path(sys.argv[1]))
    if sys.stdin.buffer.read() != FAREWELL:
        clean_up(ledger)


if __name__ == "__main__":
    main()
