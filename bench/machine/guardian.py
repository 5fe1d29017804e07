"""Cleanup process: outlives the command and removes what a killed command left.

It holds the read end of a pipe whose write end only the command has. A
command that ends by itself writes `CLEAN_EXIT` first. At an end of file
without it, the cleanup process kills the remaining processes of the sweep and
removes the objects that the ledger names.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

from ipcbench.bench.machine.standard_streams import open_standard_streams
from ipcbench.transports.base import close_all, refused
from ipcbench.transports.base.os_errors import MORE_PROCESSES
from ipcbench.transports.kernel_objects.ledger import (
    LEDGER_VARIABLE,
    Ledger,
    Owner,
    process_start,
    remove_all,
)

CLEAN_EXIT = b"clean exit"
KILL_TIME = 1.0  # seconds for killed processes to end


class Guardian:
    """The cleanup process, as the command sees it."""

    def __init__(self, ledger: Ledger) -> None:
        """Start it. Raises: Unavailable."""
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
            raise refused("starting the cleanup process", error, MORE_PROCESSES) from error
        os.close(reading)
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """Close the write end in a forked child, which must not keep the pipe open."""
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1

    def dismiss(self) -> None:
        """End it without a cleanup. Calling it twice is harmless."""
        if self._writing >= 0:
            with contextlib.suppress(BrokenPipeError):  # it has been killed
                os.write(self._writing, CLEAN_EXIT)
            self.hand_over()

    def hand_over(self) -> None:
        """Have it clean up what is left, unless it is dismissed, and wait for its end."""
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1
            self._process.wait()


def watch(ledger: Ledger, pid: int) -> None:
    """Record a process whose session must not outlive the command."""
    ledger.write({"session": pid, "start": process_start(pid)})


def _members(
    sessions: set[int], leaderless: Collection[int] = (), ledger: Ledger | None = None
) -> list[int]:
    """List the processes of these sessions: proc_pid_stat(5), field 6.

    In a session whose leader is dead, only processes that were started with
    the ledger count.
    """
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            session, ended = int(fields[3]), fields[0] in "ZX"
            belongs = session in sessions
            if session in leaderless and ledger is not None:
                belongs = belongs or _has(folder, ledger)
            if belongs and not ended:
                found.append(int(folder.name))
    return found


def _has(process: Path, ledger: Ledger) -> bool:
    """Tell whether a process started with this ledger in its environment: proc_pid_environ(5)."""
    mark = os.fsencode(f"{LEDGER_VARIABLE}={ledger.path}")
    return mark in (process / "environ").read_bytes().split(b"\0")


def end_sessions(ledger: Ledger) -> int:
    """Kill every process of the sessions that a ledger names, and return their number.

    A pid may have been given to another process since: a session counts only
    while its leader has the recorded start time. The session of a dead leader
    may be another one with the same number. A ledger whose pids are those of another
    boot or PID namespace names no session here.
    """
    if ledger.owner() not in (Owner.ALIVE, Owner.DEAD):
        return 0
    sessions, leaderless = set(), set()
    for entry in ledger.entries():
        pid, start = entry.get("session"), entry.get("start")
        if isinstance(pid, int) and isinstance(start, int):
            now = process_start(pid)
            if now is None:
                leaderless.add(pid)
            elif now == start:
                sessions.add(pid)
    return _kill(lambda: _members(sessions, leaderless, ledger))


def end_session(leader: int) -> int:
    """Kill every process of a session, and return their number.

    The leader may have ended, but must not have been waited for: then its pid is no other's.
    """
    return _kill(lambda: members(leader))


def members(leader: int) -> list[int]:
    """List the processes of a session that have not ended."""
    return _members({leader})


def _kill(found: Callable[[], list[int]]) -> int:
    """Kill processes until there are none, or for some time; return their number."""
    killed = 0
    deadline = time.monotonic() + KILL_TIME
    while (left := found()) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        time.sleep(0.005)
    return killed


def clean_up(ledger: Ledger) -> list[str]:
    """End the processes and remove the objects of a ledger; return the names of the objects."""
    end_sessions(ledger)
    return remove_all(ledger)


def main() -> None:
    """Wait for the end of the command, and clean up if it was killed."""
    open_standard_streams()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    ledger = Ledger(Path(sys.argv[1]))
    if sys.stdin.buffer.read() != CLEAN_EXIT:
        clean_up(ledger)


if __name__ == "__main__":
    main()
