"""bench.rounds.turns: the order of a round, and the time between a void run and its retake."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.rounds import turns
from ipcbench.bench.rounds.turns import APART, REST, Turn, Turns

FACTS = Facts(per="round trip", family="pipe", wait="block", copies=2, framing="stream")


class Time:
    """Time that passes where it is slept, and `step` seconds a run."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    found = Time()
    clock = SimpleNamespace(monotonic=lambda: found.now, sleep=found.sleep)
    monkeypatch.setattr(turns, "time", clock)
    return found


def a_turn(size: int, attempt: int = 1) -> Turn:
    cell = Cell(transport="pipe", pattern="latency", size=size, processes=2, placement="same-core")
    return Turn(PlannedCell(cell, FACTS, [[0], [0]]), attempt)


def play(found: Turns, void: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Run all turns; those in `void` (size, attempt) are retaken."""
    done = []
    while found:
        turn = found.next()
        assert turn is not None
        key = turn.planned.cell.size, turn.attempt
        done.append(key)
        if key in void:
            found.retake(turn)
    return done


def test_a_retake_comes_last(time: Time) -> None:
    found = Turns(map(a_turn, range(4)), lambda: False)
    assert play(found, {(1, 1), (2, 1)}) == [(0, 1), (1, 1), (2, 1), (3, 1), (1, 2), (2, 2)]


def test_a_retake_behind_enough_runs_needs_no_rest(time: Time) -> None:
    found = Turns(map(a_turn, range(APART + 1)), lambda: False)
    assert play(found, {(0, 1)})[-1] == (0, 2)
    assert time.slept == 0


@pytest.mark.parametrize("left", [0, 1, APART - 1])
def test_a_retake_behind_fewer_runs_waits_for_the_rest_of_a_second(time: Time, left: int) -> None:
    found = Turns(map(a_turn, range(left + 1)), lambda: False)
    play(found, {(0, 1)})
    assert time.slept == pytest.approx(REST)


def test_a_retake_of_a_retake_waits_again(time: Time) -> None:
    play(Turns([a_turn(0)], lambda: False), {(0, 1), (0, 2)})
    assert time.slept == pytest.approx(2 * REST)


def test_a_stop_ends_the_wait_and_keeps_the_turn(time: Time) -> None:
    stopping = [False]
    found = Turns([a_turn(0)], lambda: stopping[0])
    first = found.next()
    assert first is not None
    found.retake(first)
    stopping[0] = True
    assert found.next() is None
    assert found
    assert time.slept < REST


def test_a_failed_run_is_repeated_without_a_rest(time: Time) -> None:
    found = Turns([a_turn(0)], lambda: False)
    first = found.next()
    assert first is not None
    found.again(first)
    again = found.next()
    assert again is not None
    assert again.attempt == 2
    assert time.slept == 0
