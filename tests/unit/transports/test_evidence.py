"""Tests of the evidence about calls that hang: a lost wake-up, or a machine with too few CPUs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ipcbench.transports.contract import Spec, Unavailable
from ipcbench.transports.registry import get
from ipcbench.transports.shm.kinds import WAITERS
from ipcbench.transports.testing import actors
from ipcbench.transports.testing.actors import Actor, Stuck
from ipcbench.transports.testing.hangs.evidence import LONGEST, Pair, Sample, hung
from ipcbench.transports.testing.participants import Participants, Seat, receive

SLEEPS = Pair(Sample("S", 1.0, 2.0), Sample("S", 1.0, 2.001))
RUNS = Pair(Sample("R", 1.0, 2.0), Sample("S", 1.2, 2.0))
WAITS = Pair(Sample("R", 1.0, 2.0), Sample("R", 1.0, 2.0))  # its time counts once it has a CPU
READS_A_DISK = Pair(Sample("S", 1.0, 2.0), Sample("D", 1.0, 2.0))


def judged(*pairs: Pair, spent: float = 0.1, elapsed: float = 10.0) -> str:
    return hung(pairs, 1.0, spent=spent, elapsed=elapsed, limit=10.0)


def test_only_processes_that_all_sleep_have_lost_a_wake_up() -> None:
    assert "a wake-up is lost" in judged(SLEEPS, SLEEPS)
    for other in (RUNS, WAITS, READS_A_DISK):
        assert judged(SLEEPS, other) == judged(other, SLEEPS) == ""


def test_a_call_that_runs_is_bounded_by_cpu_time_and_in_the_end_by_wall_time() -> None:
    assert judged(RUNS, spent=9.9, elapsed=LONGEST - 1) == ""
    assert judged(RUNS, spent=10.0) == "the processes have spent 10.0 s of CPU time"
    assert judged(WAITS, elapsed=LONGEST).startswith("the machine is overloaded: 0.1 s of CPU time")
    assert "a wake-up is lost" in judged(SLEEPS, elapsed=LONGEST)


def sleep_long(state: None) -> None:
    time.sleep(30)


def spin(state: None, seconds: float) -> float:
    """Run for so many seconds of CPU time; return those of wall time."""
    began = time.monotonic()
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return time.monotonic() - began


def test_a_call_that_sleeps_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actors, "CALL_LIMIT", 0.4)
    with Actor(lambda: None) as actor, pytest.raises(Stuck, match="all processes sleep") as caught:
        actor.do(sleep_long)
    (note,) = caught.value.__notes__
    assert f"actor 0, sleep_long (process {actor.pid}): S" in note
    assert "load: " in note


def test_a_call_that_spins_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actors, "CALL_LIMIT", 0.4)
    with Actor(lambda: None) as actor, pytest.raises(Stuck, match="s of CPU time"):
        actor.do(spin, 30.0)


@contextmanager
def one_cpu(others: int) -> Iterator[None]:
    """Share one CPU with so many processes that never sleep."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(others)]
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
        for process in busy:
            process.kill()
            process.wait()


def test_a_call_that_has_no_cpu_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actors, "CALL_LIMIT", 0.5)
    with one_cpu(others=3), Actor(lambda: None) as actor:
        assert actor.do(spin, 0.3) > 0.5


def publish_without_a_bell(seat: Seat) -> None:
    """Send, and lose the wake-up."""
    lane = seat.calls._lanes[0]
    lane.heads[0] = seat.size << 24 | 1


@pytest.mark.parametrize("waiter", [name for name, kind in WAITERS.items() if not kind.counted])
def test_a_lost_wake_up_is_explained(
    waiter: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The ring's state shows a message, and a doorbell that nobody has answered."""
    transport = get(f"shm:memfd+{waiter}")
    assert not isinstance(transport, Unavailable)
    if isinstance(reason := transport.probe(), Unavailable):
        pytest.skip(reason.reason)
    with Participants(transport, Spec(8, depth=3)) as crew:
        monkeypatch.setattr(actors, "CALL_LIMIT", 1.0)
        crew.receiver.begin(receive)
        assert actors.eventually(crew.receiver.asleep)
        crew.senders[0].do(publish_without_a_bell)
        with pytest.raises(Stuck, match="a wake-up is lost") as caught:
            crew.receiver.answer()
        written = ""

        def has_stack() -> bool:
            nonlocal written
            written += capfd.readouterr().err
            return "in receive" in written

        assert actors.eventually(has_stack), written
    (note,) = caught.value.__notes__
    assert "lane 0, from process 1 to 0: 1 sent, 0 freed, depth 3: 1 for process 0" in note
    assert "lane 1, from process 0 to 1: 0 sent, 0 freed, depth 3: empty" in note
    assert "doorbell of process 0: 1 (sleep announced)" in note
    assert ("tokens: 0" in note) == (waiter in ("posix-sem", "sysv-sem"))
    assert ("counts of its eventfds: 0" in note) == (waiter == "eventfd")
