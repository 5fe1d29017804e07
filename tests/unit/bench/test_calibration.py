"""bench.sweep.calibration: the loops of a block, checked before the first round and after each."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.results.axes import CROSS_CORE
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Calibrated, Run
from ipcbench.bench.rounds.progress import Progress
from ipcbench.bench.sweep.calibration import (
    OFF,
    RESCALES,
    SHORT,
    SLOW_UNIT,
    Block,
    is_doubtful,
    loops_for,
    rescaled,
)
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.deadlines import setup_time
from ipcbench.bench.workers.fork_parent import WATCHDOG
from ipcbench.bench.workers.job import Job, Reply
from tests.unit.bench import test_schedule
from tests.unit.bench.test_schedule import VALUE, Stage, a_failure, a_plan, a_reply

stage = test_schedule.stage
CELL = a_plan(1)[0].cell
ASKED = 0.01  # seconds of a block of `Stage`
LOOPS = round(ASKED / VALUE)


def blocks(reply: Reply, *found: Block) -> Reply:
    """Replace the blocks of a calibration."""
    suite = msgspec.json.decode(reply.suite)
    suite["benchmarks"][0]["runs"][0]["warmups"] = found
    return msgspec.structs.replace(reply, suite=msgspec.Raw(msgspec.json.encode(suite)))


def calibrations(stage: Stage) -> list[Calibrated]:
    return [line for line in stage.lines if isinstance(line, Calibrated)]


# Pure.


@pytest.mark.parametrize(
    ("found", "doubtful"),
    [
        ([(2048, VALUE), (4096, VALUE)], False),
        ([(2048, 3 * VALUE), (4096, VALUE)], False),  # the first blocks of a process are slow
        ([(2048, 1.01 * SHORT * VALUE), (4096, VALUE)], False),
        ([(2048, 0.99 * SHORT * VALUE), (4096, VALUE)], True),
        ([(64, VALUE), (128, 60 * VALUE)], True),  # a stall of 8 ms
        ([(1, 0.9 * SLOW_UNIT)], False),
        ([(1, 1.1 * SLOW_UNIT)], True),
        ([(1, 1.1 * SLOW_UNIT), (2, 1.1 * SLOW_UNIT)], True),
    ],
)
def test_a_calibration_that_a_stall_may_have_ended_is_doubtful(
    found: list[Block], doubtful: bool
) -> None:
    assert is_doubtful(CELL, found) is doubtful


def test_a_pause_is_no_slow_unit() -> None:
    paused = msgspec.structs.replace(CELL, pace="pause:10ms")
    assert not is_doubtful(paused, [(10, 0.0101), (10, 0.0101)])
    assert is_doubtful(paused, [(10, 0.0101), (10, 0.0131)])


def test_a_block_has_the_loops_of_all_its_units() -> None:
    pairs = Cell(transport="pipe", pattern="pairs", size=1, processes=8, placement="same-core")
    assert loops_for(CELL, VALUE, ASKED) == LOOPS
    assert loops_for(pairs, VALUE, ASKED) == LOOPS / 4
    assert loops_for(CELL, 1.0, ASKED) == 1
    assert loops_for(msgspec.structs.replace(CELL, pace="pause:1s"), 1.0, ASKED) == 10


@pytest.mark.parametrize(
    ("loops", "block", "better"),
    [
        (1000, ASKED, None),
        (1000, 1.01 * ASKED / OFF, None),
        (1000, 0.99 * ASKED / OFF, 2020),
        (1000, 0.99 * ASKED * OFF, None),
        (1000, 1.01 * ASKED * OFF, 495),
        (1, 5 * ASKED, None),  # no block is shorter than one loop
        (2, 5 * ASKED, 1),
    ],
)
def test_only_a_block_far_off_is_corrected(loops: int, block: float, better: int | None) -> None:
    assert rescaled(CELL, loops, block, ASKED) == better


# In a sweep.


def test_a_stalled_calibration_is_repeated_behind_all_others(stage: Stage) -> None:
    cells = a_plan(3)
    victim = stage_order(stage, 3)[0]

    def answer(job: Job) -> Reply:
        if job.loops or job.cell.id != victim or job.attempt > 1:
            return a_reply(job)
        return blocks(a_reply(job), (64, VALUE), (128, 60 * VALUE))

    stage.answer = answer
    stage.play(cells, rounds=1)
    asked = [(job.cell.id, job.attempt) for job in stage.jobs if not job.loops]
    assert asked == [*((one, 1) for one in stage_order(stage, 3)), (victim, 2)]
    assert {line.loops for line in calibrations(stage)} == {LOOPS}
    assert Counter(line.cell for line in calibrations(stage))[victim] == 1


def stage_order(stage: Stage, count: int) -> list[str]:
    return [one.cell.id for one in test_schedule.order(a_plan(count), test_schedule.SEED, 0)]


@pytest.mark.parametrize("second", [0.5, 2.0, 60.0])
def test_of_two_calibrations_the_shorter_time_counts(stage: Stage, second: float) -> None:
    stage.answer = lambda job: blocks(
        a_reply(job),
        (1000, VALUE / 2),
        (2000, VALUE * (second if job.attempt > 1 else 1.0)),
    )
    stage.play(a_plan(1), rounds=1)
    (found,) = (line for line in calibrations(stage) if not line.round)
    assert found.loops == round(LOOPS / min(1.0, second))


@pytest.mark.parametrize("who", ["peer 1", WATCHDOG])
def test_a_second_calibration_that_fails_leaves_the_first(stage: Stage, who: str) -> None:
    def answer(job: Job) -> Reply:
        if job.loops:
            return a_reply(job)
        if job.attempt > 1:
            return Reply(failure=ProcessFailure(who, "block 1", "lost"))
        return blocks(a_reply(job), (1000, VALUE / 2), (2000, VALUE))

    stage.answer = answer
    stage.play(a_plan(1), rounds=2)
    assert [line.loops for line in calibrations(stage)] == [LOOPS]
    assert len(stage.failures) == 1
    assert len(stage.runs) == 2


def test_a_failed_calibration_may_be_doubtful_at_its_second_attempt(stage: Stage) -> None:
    replies = iter([a_failure, None])

    def answer(job: Job) -> Reply:
        if job.loops:
            return a_reply(job)
        if next(replies, None) is a_failure:
            return a_failure()
        return blocks(a_reply(job), (1000, VALUE / 2), (2000, VALUE))

    stage.answer = answer
    stage.play(a_plan(1), rounds=1)
    assert [job.attempt for job in stage.jobs if not job.loops] == [1, 2, 3]
    assert [line.loops for line in calibrations(stage)] == [LOOPS]


def test_short_blocks_are_corrected_after_a_round(stage: Stage) -> None:
    """The calibration took ten times as long as it should; nothing before the round shows it."""
    stage.answer = lambda job: a_reply(job, seconds=VALUE if job.loops else 10 * VALUE)
    stage.play(a_plan(2), rounds=3)
    found = [(line.loops, line.round, line.block) for line in calibrations(stage)]
    assert found == [(LOOPS // 10, 0, ASKED)] * 2 + [(LOOPS, 1, ASKED)] * 2
    assert [run.loops for run in stage.runs] == [LOOPS // 10] * 2 + [LOOPS] * 4


def test_a_cell_is_corrected_only_so_often(stage: Stage) -> None:
    """Its speed changes from round to round."""
    stage.answer = lambda job: a_reply(job, seconds=VALUE * 10 ** (job.round % 2))
    stage.play(a_plan(1), rounds=9)
    assert [line.round for line in calibrations(stage)] == [0, *range(1, RESCALES + 1)]


@pytest.mark.parametrize("void", ["run", "round"])
def test_void_runs_correct_nothing(stage: Stage, void: str) -> None:
    foreign = 0.5 if void == "run" else None
    stage.stolen = {1} if void == "round" else set()
    stage.answer = lambda job: a_reply(
        job, foreign if job.round == 1 else 0.0, VALUE * (10 if job.round == 1 else 1)
    )
    stage.play(a_plan(1), rounds=3)
    assert [line.round for line in calibrations(stage)] == [0]


def test_a_resumed_sweep_uses_the_newest_loops(stage: Stage, tmp_path: Path) -> None:
    cells = a_plan(2)
    stage.answer = lambda job: a_reply(job, seconds=VALUE if job.loops else 10 * VALUE)
    stage.after = test_schedule.stop_after(Run, 3)
    stage.play(cells, rounds=3)
    progress = Progress.of(stage.results(cells, tmp_path))
    assert set(progress.loops.values()) == {LOOPS}
    assert set(progress.rescales.values()) == {1}
    stage.lines.pop()
    stage.after = lambda sweep, line: None
    stage.play(cells, rounds=3, progress=progress)
    assert [run.loops for run in stage.runs] == [LOOPS // 10] * 2 + [LOOPS] * 4
    assert len(calibrations(stage)) == 4


def test_a_round_in_two_pieces_is_corrected_as_a_whole(stage: Stage, tmp_path: Path) -> None:
    cells = a_plan(2)
    stage.answer = lambda job: a_reply(job, seconds=VALUE if job.loops else 10 * VALUE)
    stage.after = test_schedule.stop_after(Run, 1)
    stage.play(cells, rounds=2)
    progress = Progress.of(stage.results(cells, tmp_path))
    stage.lines.pop()
    stage.after = lambda sweep, line: None
    stage.play(cells, rounds=2, progress=progress)
    assert [run.loops for run in stage.runs] == [LOOPS // 10] * 2 + [LOOPS] * 2


def test_the_warm_up_is_in_the_job_and_in_the_journal(stage: Stage) -> None:
    stage.play(a_plan(1, CROSS_CORE), rounds=1)
    calibration, job = stage.jobs
    assert calibration.warm_up == job.warm_up
    assert job.warm_up.least == calibrations(stage)[0].warm_up == 0.1
    assert job.deadline > 10 + 20 * (4 * ASKED + job.warm_up.most)


def test_the_deadline_has_room_for_the_least_loops_of_large_messages(stage: Stage) -> None:
    (planned,), size = a_plan(1, pattern="stream"), 64 << 20
    cell = msgspec.structs.replace(planned.cell, size=size, batch=25)
    stage.play([replace(planned, cell=cell)], rounds=1)
    job = stage.jobs[-1]
    loops = 25 * (job.settings.values + job.settings.warmups)
    assert job.deadline > setup_time(size, 2) + loops * size / 100e6
