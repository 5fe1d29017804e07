"""Controls that are slowed on purpose: their loops, the delay, and the way through a sweep."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import FakeClock
from ipcbench.bench.loops.delays import delay
from ipcbench.bench.loops.delays.delay import MOST, TRIALS, Cost, cost_of, more_turns, turns_for
from ipcbench.bench.patterns import slowed as pattern
from ipcbench.bench.patterns.latency import ping
from ipcbench.bench.patterns.slowed import SLOWED_LATENCY, calibrate, slowed_ping
from ipcbench.bench.patterns.table import SLOWED, pattern_of
from ipcbench.bench.plan.planner import Candidate, PlannedCell, plan
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Calibrated
from ipcbench.bench.results.results import load
from ipcbench.bench.rounds.progress import Progress
from ipcbench.bench.workers.job import Job
from ipcbench.transports.native import built
from tests.e2e.command import ipcbench
from tests.unit.bench import test_schedule
from tests.unit.bench.test_loops import Script
from tests.unit.bench.test_native_loops import Script as NativeScript
from tests.unit.bench.test_native_loops import a_message
from tests.unit.bench.test_planner import SITE, TRAITS, limits
from tests.unit.bench.test_schedule import FACTS, Stage, a_reply

stage = test_schedule.stage
needs_native = pytest.mark.skipif(built() is not None, reason=str(built()))
CELL = Cell(transport="pipe", pattern="latency", size=64, placement="same-core")
CONTROL = msgspec.structs.replace(CELL, slowed=5)


# Loops.


@pytest.mark.parametrize("turns", [0, 1, 100])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_calls_are_those_of_the_original(count: int, turns: int) -> None:
    script, original = Script(), Script()
    buffer = memoryview(bytearray(16))
    span = slowed_ping(script, b"", buffer, count, script, turns)
    ping(original, b"", buffer, count, original)
    assert script.calls == original.calls
    assert span.handled == count


@needs_native
@pytest.mark.parametrize("turns", [0, 1, 100])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_native_calls_are_those_of_the_original(count: int, turns: int) -> None:
    script = NativeScript()
    loop = native_loops.twin(slowed_ping)
    span = loop(script, a_message(), aligned_buffer(16), count, FakeClock("cell", 1), turns)
    assert script.calls == "sr" * count
    assert span.handled == count


@needs_native
def test_turns_that_no_delay_has_are_refused() -> None:
    loop, clock = native_loops.twin(slowed_ping), FakeClock("cell", 1)
    for turns in (-1, (1 << 40) + 1):
        with pytest.raises(ValueError, match="turns"):
            loop(NativeScript(), a_message(), aligned_buffer(16), 1, clock, turns)
        with pytest.raises(ValueError, match="turns"):
            native_loops.compiled.delay(turns, 1)
    with pytest.raises(ValueError, match="1 delay or more"):
        native_loops.compiled.delay(1, 0)


def test_a_made_up_clock_makes_up_the_delay() -> None:
    plain, slowed = FakeClock("cell", 3, 64), FakeClock("cell", 3, 64, 5)
    assert slowed.cost == pytest.approx(1.05 * plain.cost)


def test_the_server_is_the_originals_and_no_time_is_stamped() -> None:
    (client, server), (_, original) = SLOWED_LATENCY.seats(2), pattern_of(CELL).seats(2)
    assert server == original
    assert client.part.stamped is None
    assert pattern_of(CONTROL) is SLOWED["latency"] is SLOWED_LATENCY
    assert SLOWED_LATENCY.single == ""


# Delays.


@pytest.mark.parametrize("native", [False, pytest.param(True, marks=needs_native)])
def test_a_longer_delay_takes_longer(native: bool) -> None:
    cost = cost_of(native=native)
    none, short, long = cost(0), cost(1_000), cost(100_000)
    assert 0 <= none < short < long
    assert 20 * short < long


def linear(none: float, turn: float) -> Cost:
    return lambda turns: none + turns * turn


@pytest.mark.parametrize(
    ("seconds", "turns"), [(0.0, 0), (40e-9, 0), (250e-9, 30), (1e-3, round((1e-3 - 4e-8) / 7e-9))]
)
def test_the_turns_of_a_delay(seconds: float, turns: int) -> None:
    assert turns_for(seconds, linear(40e-9, 7e-9)) == turns


def test_turns_are_corrected() -> None:
    cost = linear(40e-9, 7e-9)
    assert more_turns(30, 70e-9, cost) == 40
    assert more_turns(30, -70e-9, cost) == 20
    assert more_turns(30, -1.0, cost) == 0
    assert more_turns(30, 7e-9, lambda turns: 1e-7) > 30  # no turn takes less than a picosecond


# The calibration of a run.


@dataclass
class Run:
    """A runner whose blocks take a foreseen time; `cold`: what a delay costs beside its turns."""

    loop: Any = slowed_ping
    arguments: tuple[int, ...] = (0,)
    plain: float = 5e-6
    cold: float = 150e-9
    blocks: list[tuple[Any, tuple[int, ...]]] = field(default_factory=list)
    disturbed: float = 0.0  # added to each third block

    def block(self, loops: int) -> float:
        self.blocks.append((self.loop, self.arguments))
        added = 0.0 if self.loop is ping else self.cold + self.arguments[0] * 7e-9
        return loops * (self.plain + added) + self.disturbed * (len(self.blocks) % 3 == 0)


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a delay cheaper by itself than between round trips."""
    monkeypatch.setattr(pattern, "cost_of", lambda native: linear(50e-9, 7e-9))


@pytest.mark.parametrize("disturbed", [0.0, 0.02])
@pytest.mark.parametrize("slowed", [5, 20, 100])
@pytest.mark.usefixtures("warm")
def test_a_calibration_finds_the_share_that_is_asked_for(slowed: int, disturbed: float) -> None:
    run = Run(disturbed=disturbed)
    control = msgspec.structs.replace(CELL, slowed=slowed)
    share = calibrate(run, run.block, control)
    assert share == pytest.approx(slowed / 100, abs=1e-3)
    assert run.loop is slowed_ping
    assert (run.cold + run.arguments[0] * 7e-9) / run.plain == pytest.approx(share)
    loops = [loop for loop, _ in run.blocks[-2 * TRIALS :]]
    assert loops == [ping, slowed_ping] * TRIALS


@pytest.mark.usefixtures("warm")
def test_a_delay_that_is_longer_than_asked_for_has_no_turns_and_is_told() -> None:
    run = Run(plain=0.5e-6)
    share = calibrate(run, run.block, CONTROL)
    assert run.arguments == (0,)
    assert share == pytest.approx(0.3)


@pytest.mark.usefixtures("warm")
def test_a_disturbance_does_not_lengthen_the_delay_without_end() -> None:
    run = Run()

    def block(loops: int) -> float:
        # From the second trials on, another process takes most of the time of the plain blocks.
        slow = len(run.blocks) > 200 and run.loop is ping
        return run.block(loops) * (50 if slow else 1)

    calibrate(run, block, CONTROL)
    assert run.arguments[0] <= MOST * turns_for(0.05 * run.plain, linear(50e-9, 7e-9)) + 1


# The way through a sweep.


def test_what_has_no_delay_is_no_control() -> None:
    candidate = Candidate("pipe", replace(TRAITS, carries=True), limits())
    fresh = msgspec.structs.replace(CELL, payload="fresh", size=4096)
    asked = [CELL, CONTROL, fresh, msgspec.structs.replace(fresh, slowed=5)]
    found = plan(asked, lambda name: candidate, SITE)
    assert [one.cell for one in found.cells] == [CELL, CONTROL, fresh]
    assert found.skipped == []


def test_the_calibrated_delay_is_journaled_and_used(stage: Stage, tmp_path: Path) -> None:
    def answer(job: Job) -> Any:
        reply = a_reply(job)
        if not job.loops and job.cell.slowed:
            assert reply.outcome is not None
            reply.outcome.turns, reply.outcome.slow_down = 33, 0.048
        return reply

    stage.answer = answer
    planned = [PlannedCell(cell, FACTS, [[1], [0]]) for cell in (CELL, CONTROL)]
    stage.play(planned, rounds=2)
    calibrated = [line for line in stage.lines if isinstance(line, Calibrated)]
    found = {line.cell: (line.turns, line.slow_down) for line in calibrated}
    assert found == {CELL.id: (0, 0.0), CONTROL.id: (33, 0.048)}
    turns = {(job.cell.slowed, job.turns) for job in stage.jobs if job.loops}
    assert turns == {(0, 0), (5, 33)}
    assert Progress.of(stage.results(planned, tmp_path)).delays == found


PROFILE = """
about = "a control"
[run]
rounds = 2
[[cells]]
patterns = ["latency"]
transports = ["pipe"]
sizes = ["64"]
placements = ["same-core"]
runtimes = ["python", "native"]
[[controls]]
patterns = ["latency"]
transports = ["pipe"]
sizes = ["64"]
placements = ["same-core"]
runtimes = ["python", "native"]
slowed = 20
"""


@needs_native
@pytest.mark.parametrize("clock", [(), ("--clock", "fake")], ids=["real", "fake"])
def test_a_sweep_measures_slowed_controls(tmp_path: Path, clock: tuple[str, ...]) -> None:
    profile = tmp_path / "control.toml"
    profile.write_text(PROFILE)
    folder = tmp_path / "run"
    done = ipcbench("run", "--profile", profile, "-o", folder, "--keep-disturbed", *clock)
    assert done.returncode == 0, done.stderr
    results = load(folder)
    controls = [one for one in results.ok() if one.cell.slowed]
    assert len(controls) == 2
    for one in controls:
        assert one.cell.id.endswith("~slowed20")
        assert one.stamps == 0
        if clock:
            assert (one.turns, one.slow_down) == (0, 0.2)
            slow, plain = one.by_round(), results.cells[one.cell.original.id].by_round()
            assert all(slow[number] == pytest.approx(1.2 * plain[number]) for number in plain)


def test_the_time_of_a_trial_is_short() -> None:
    assert delay.REPEATS * (delay.TURNS + delay.PROBE * delay.FEWEST) * 10e-9 < 0.05
