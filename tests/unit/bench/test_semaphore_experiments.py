"""Tests of the experiments with semaphores, and of doings that contradict them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ipcbench.bench.experiments.children import Child
from ipcbench.bench.experiments.semaphores import lost_updates, semaphore_misuse, waiting_cpu
from ipcbench.bench.experiments.semaphores.waiting_cpu import LOOP, Way
from ipcbench.bench.results.records import Observation
from ipcbench.transports.contract import Endpoint, Ticket, Transport, Wait
from tests.available import available


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Check that each experiment has ended all its processes."""
    from ipcbench.transports.testing.leaks import left_since, snapshot

    before = snapshot()
    yield
    assert not left_since(before)


# Lost updates.


def test_updates_are_lost_without_a_guard_alone() -> None:
    available("posix-sem")
    found = lost_updates.play(("unguarded", "posix-sem"))
    assert found.figures["updates lost, unguarded"] > 0
    assert found.figures["updates lost, posix-sem"] == 0
    most = sum(lost_updates.PROCESSES) * lost_updates.UPDATES
    assert 0 < found.figures["updates, posix-sem"] <= most
    rows = [(row["guard"], row["processes"]) for row in found.rows]
    assert rows == [(guard, n) for guard in ("unguarded", "posix-sem") for n in (2, 4)]


def test_where_others_have_the_cpu_they_stop_early(monkeypatch: pytest.MonkeyPatch) -> None:
    available("posix-sem")
    monkeypatch.setattr(lost_updates, "UPDATES", 10**9)
    monkeypatch.setattr(lost_updates, "COUNTING", 0.1)
    found = lost_updates.play(("posix-sem",))
    assert found.figures["updates, posix-sem"] > 0
    assert found.figures["updates lost, posix-sem"] == 0


class OpenGuard:
    """A guard that lets every process in: its `acquire` takes nothing."""

    def __init__(self, real: Transport) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        member: Any = self._real.attach(ticket, deadline)
        member.acquire = member.release = lambda: None
        return member  # type: ignore[no-any-return]


def test_a_guard_that_does_not_guard_loses_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    real = available("posix-sem")
    monkeypatch.setattr(lost_updates, "transport", lambda name: OpenGuard(real))
    assert lost_updates.play(("posix-sem",)).figures["updates lost, posix-sem"] > 0


def test_a_guard_that_is_missing_is_a_row_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Transport:
        raise semaphore_misuse.Unavailable("it is missing", "install it")

    monkeypatch.setattr(lost_updates, "transport", missing)
    found = lost_updates.play(("posix-sem",))
    assert found == Observation(
        experiment="lost-updates",
        rows=[{"guard": "posix-sem", "skipped": "it is missing (install it)"}],
    )


# Misuse.


def test_a_semaphore_without_a_v_is_caught_and_named() -> None:
    available("posix-sem")
    available("sysv-sem")
    found = semaphore_misuse.play(guards={})
    for name in ("posix-sem", "sysv-sem"):
        assert found.figures[f"P without V: waits for ever, {name}"] == 1
        assert "asleep" in found.texts[f"P without V, {name}"]


def test_naps_one_after_the_other_are_no_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semaphore_misuse, "GRACE", 0.01)

    def naps() -> None:
        for _ in range(100):
            time.sleep(0.008)

    with Child(naps) as child:
        assert semaphore_misuse.waits_for_ever(child) == ""


@pytest.mark.parametrize("name", semaphore_misuse.GUARDS)
def test_a_killed_holder_leaves_its_guard_locked_unless_the_kernel_reverts_it(name: str) -> None:
    plain = name.partition(" ")[0]
    undone = available(plain).traits.undo and "without" not in name
    found = semaphore_misuse.play(semaphores={}, guards={name: semaphore_misuse.GUARDS[name]})
    assert found.figures == {f"holder killed: waits for ever, {name}": float(not undone)}


def test_a_guard_that_opens_by_itself_contradicts() -> None:
    real = available("posix-sem")
    found = semaphore_misuse.play(
        {"open": lambda: OpenGuard(real)}, {"open": lambda: OpenGuard(real)}
    )
    assert found.figures == {
        "P without V: waits for ever, open": 0,
        "holder killed: waits for ever, open": 0,
    }


def test_a_holder_that_cannot_enter_is_a_failure() -> None:
    class Broken(OpenGuard):
        def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
            raise ValueError("broken")

    real = available("posix-sem")
    with pytest.raises(semaphore_misuse.ChildFailed, match="ValueError: broken"):
        semaphore_misuse.play({}, {"broken": lambda: Broken(real)})


# CPU time of a wait.

SLEEPS = (Way("posix-sem"), Way("pipe"), Way("pipe", Wait.POLL), Way("shm:posix+futex"))
SPINS = (Way("pipe", Wait.SPIN), Way("shm:posix+futex", Wait.SPIN), Way(LOOP))


def test_waiting_in_a_loop_takes_the_cpu_and_sleeping_does_not() -> None:
    for name in ("posix-sem", "shm:posix+futex"):
        available(name)
    found = waiting_cpu.play((*SLEEPS, *SPINS)).figures
    for way in SLEEPS:
        assert found[f"CPU s in 1 s, {way.text}"] < 0.05, way
    for way in SPINS:
        assert found[f"CPU s in 1 s, {way.text}"] > 0.5, way


class Busy:
    """A transport whose `wait` is a loop, whatever was asked for."""

    def __init__(self, real: Transport) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def create(self, spec: Any) -> Any:
        return self._real.create(dataclasses.replace(spec, wait=Wait.SPIN))


def test_a_semaphore_that_spins_contradicts(monkeypatch: pytest.MonkeyPatch) -> None:
    real = available("posix-sem")
    monkeypatch.setattr(waiting_cpu, "transport", lambda name: Busy(real))
    found = waiting_cpu.play((Way("posix-sem"),))
    assert found.figures["CPU s in 1 s, posix-sem"] > 0.5


def test_a_way_that_a_facility_lacks_is_a_row_with_its_reason() -> None:
    available("sysv-queue")
    (row,) = waiting_cpu.play((Way("sysv-queue", Wait.POLL),)).rows
    assert row == {
        "way of waiting": "sysv-queue, poll", "skipped": "sysv-queue cannot wait by poll"
    }  # fmt: skip
