"""bench.machine.lock: one sweep at a time, in whatever way the holder of the lock ends."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from ipcbench.bench.machine import lock
from ipcbench.bench.machine.lock import SweepInProgress, SweepLock


@pytest.fixture(autouse=True)
def name(monkeypatch: pytest.MonkeyPatch) -> str:
    """A lock name of this test's own: a real sweep may run at the same time."""
    found = f"\0ipcbench-test-{secrets.token_hex(8)}"
    monkeypatch.setattr(lock, "NAME", found)
    return found


HOLD = """
import sys, time
import ipcbench.bench.machine.lock as lock
lock.NAME = sys.argv[1].encode().decode("unicode_escape")
held = lock.SweepLock()
held.acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(name: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    written = name.replace("\0", "\\0")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, written], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def acquired() -> SweepLock:
    """Acquire within a second: the end of a killed process takes a moment."""
    deadline = time.monotonic() + 5
    while True:
        mine = SweepLock()
        try:
            mine.acquire()
        except SweepInProgress:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return mine


def test_the_second_sweep_gets_the_name_of_the_holder(holder: subprocess.Popen[str]) -> None:
    for _ in range(200):  # asking fills no queue
        mine = SweepLock()
        with pytest.raises(SweepInProgress, match=rf"\(process {holder.pid}\)"):
            mine.acquire()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_is_free_when_its_holder_is_dead(
    holder: subprocess.Popen[str], number: signal.Signals
) -> None:
    os.kill(holder.pid, number)
    holder.wait()
    acquired().release()


def test_a_stopped_holder_still_has_it(holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGSTOP)
    mine = SweepLock()
    with pytest.raises(SweepInProgress, match=str(holder.pid)):
        mine.acquire()
    os.kill(holder.pid, signal.SIGCONT)


def test_it_is_free_after_its_release() -> None:
    first, second = SweepLock(), SweepLock()
    first.acquire()
    with pytest.raises(SweepInProgress, match=str(os.getpid())):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()


def test_a_forked_child_does_not_keep_it() -> None:
    """A fork server is started while the lock is held, and may outlive a killed command."""
    mine = SweepLock()
    mine.acquire()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        mine.release()
        acquired().release()
        child.kill()


def test_a_holder_that_does_not_listen_is_found(name: str) -> None:
    with socket.socket(socket.AF_UNIX) as squatter:
        squatter.bind(name)
        with pytest.raises(SweepInProgress, match=rf"\(process {os.getpid()}\)"):
            SweepLock().acquire()


def test_a_full_queue_does_not_hide_the_holder(name: str) -> None:
    with socket.socket(socket.AF_UNIX) as squatter, socket.socket(socket.AF_UNIX) as other:
        squatter.bind(name)
        squatter.listen(0)
        other.connect(name)
        with pytest.raises(SweepInProgress, match=rf"\(process {os.getpid()}\)"):
            SweepLock().acquire()


def test_a_holder_that_has_just_ended_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "NAME", "\0ipcbench-test-nobody")
    assert lock._describe_holder() == "another sweep has just ended on this machine: try again"


def test_other_trouble_is_not_called_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "NAME", "/nonexistent/folder/socket")
    mine = SweepLock()
    with pytest.raises(FileNotFoundError):
        mine.acquire()
    mine.release()  # nothing was acquired
