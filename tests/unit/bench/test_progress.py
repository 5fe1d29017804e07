"""A sweep that is cut at any byte of its journal and resumed equals an unbroken one.

Runs are ready made: what they say depends on the cell, the round and the
attempt alone, so that an unbroken sweep and one of several pieces must come
to the same, line by line.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipcbench.bench.loops.clock import FAKE, REAL
from ipcbench.bench.results.journal import NAME, Journal, read
from ipcbench.bench.results.records import (
    AnyEntry,
    Calibrated,
    Ended,
    Resumed,
    Round,
    Run,
)
from ipcbench.bench.results.records import PlannedEntry as PlannedLine
from ipcbench.bench.results.results import Results, Status, load
from ipcbench.bench.rounds.progress import RETAKES, Progress
from ipcbench.bench.sweep.shared.failures import GIVE_UP
from ipcbench.bench.workers.job import Job, Reply
from tests import synthetic
from tests.unit.bench import test_schedule
from tests.unit.bench.test_schedule import Stage, a_failure, a_plan, a_reply

stage = test_schedule.stage


@pytest.fixture(autouse=True)
def nothing_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip syncing, which takes time and matters only after a crash of the machine."""
    for call in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, call, lambda fd: None)


CELLS = a_plan(4)
IDS = [one.cell.id for one in CELLS]
ROUNDS = 3


@dataclass
class Disturbed:
    """The events of a sweep, in whatever pieces it is run."""

    void: dict[tuple[str, int], int] = field(default_factory=dict)  # cell, round: first attempts
    stolen: set[int] = field(default_factory=set)  # rounds

    def answer(self, stage: Stage) -> None:
        def answer(job: Job) -> Reply:
            taken = sum((run.cell, run.round) == (job.cell.id, job.round) for run in stage.runs)
            void = taken < self.void.get((job.cell.id, job.round), 0)
            return a_reply(job, 0.5 if void and job.loops else 0.0, seconds=1e-6 * (1 + taken))

        stage.answer, stage.stolen = answer, self.stolen


DISTURBANCES = st.builds(
    Disturbed,
    st.dictionaries(
        st.tuples(st.sampled_from(IDS), st.integers(1, ROUNDS)), st.integers(1, RETAKES + 1),
        max_size=5,
    ),
    st.sets(st.integers(1, ROUNDS + 1), max_size=2),
)  # fmt: skip


def begin(folder: Path) -> Journal:
    journal = Journal.create(folder)
    journal.write(
        synthetic.header(), *(PlannedLine(cell=one.cell, facts=one.facts) for one in CELLS)
    )
    return journal


def play(stage: Stage, journal: Journal, progress: Progress, clock: str = REAL) -> Ended:
    stage.after = lambda sweep, line: journal.write(line)
    try:
        return stage.play(CELLS, rounds=ROUNDS, clock=clock, progress=progress)
    finally:
        journal.close()


def take_up(stage: Stage, folder: Path, clock: str = REAL) -> Ended:
    """Resume a sweep as `sweep.resume` does, with prepared runs."""
    journal, torn = Journal.resume(folder)
    results = load(folder)
    stage.lines = list(lines_of(folder))
    stage._readings = 0  # type: ignore[attr-defined]
    journal.write(Resumed(started="", command=[], dropped=torn))
    return play(stage, journal, Progress.of(results), clock)


def lines_of(folder: Path) -> Iterator[AnyEntry]:
    return (line for line in read(folder) if not isinstance(line, Resumed | Ended | PlannedLine))


def essence(folder: Path) -> list[object]:
    """Return the entries in order, without their times."""
    found: list[object] = []
    for line in lines_of(folder):
        if isinstance(line, Calibrated):
            found.append((line.cell, line.loops))
        elif isinstance(line, Run):
            found.append((line.cell, line.round, line.attempt, line.values, line.void))
        elif isinstance(line, Round):
            found.append((line.round, round(line.timed, 6), bool(line.void)))
    return found


def start_of(folder: Path) -> int:
    """Find the end of the plan."""
    lines = (folder / NAME).read_bytes().splitlines(keepends=True)
    return sum(map(len, lines[: 1 + len(CELLS)]))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    disturbed=DISTURBANCES,
    clock=st.sampled_from([REAL, FAKE]),
    cuts=st.lists(st.floats(0, 1), min_size=1, max_size=3),
)
def test_pieces_make_the_whole(
    stage: Stage, disturbed: Disturbed, clock: str, cuts: list[float]
) -> None:
    with tempfile.TemporaryDirectory() as place:
        whole, pieces = Path(place) / "whole", Path(place) / "pieces"
        whole.mkdir()
        stage.lines, stage._readings = [], 0  # type: ignore[attr-defined]
        disturbed.answer(stage)
        assert play(stage, begin(whole), Progress(), clock).reason == "complete"
        shutil.copytree(whole, pieces)
        for share in sorted(cuts):
            start, size = start_of(pieces), (pieces / NAME).stat().st_size
            (pieces / NAME).write_bytes(
                (pieces / NAME).read_bytes()[: start + round((size - start) * share)]
            )
            disturbed.answer(stage)
            assert take_up(stage, pieces, clock).reason == "complete"
            assert essence(pieces) == essence(whole)
        assert figures(load(pieces)) == figures(load(whole))


def figures(results: Results) -> dict[str, object]:
    return {
        identity: (
            result.status,
            result.loops,
            result.by_round(),
            [run.tail for run in result.good],
        )
        for identity, result in results.cells.items()
    }


def test_a_small_sweep_cut_at_many_bytes(stage: Stage, tmp_path: Path) -> None:
    """Cut a sweep with void runs and a stolen round after each entry."""
    disturbed = Disturbed({(IDS[0], 1): 1, (IDS[2], 2): RETAKES + 1}, {2})
    disturbed.answer(stage)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    play(stage, begin(whole), Progress())
    data, wanted, start = (whole / NAME).read_bytes(), essence(whole), start_of(whole)
    ends = {number + 1 for number, byte in enumerate(data) if byte == ord("\n")}
    for size in sorted({*ends, *range(start, len(data), 53)} - set(range(start))):
        shutil.rmtree(cut, ignore_errors=True)
        cut.mkdir()
        (cut / NAME).write_bytes(data[:size])
        disturbed.answer(stage)
        take_up(stage, cut)
        assert essence(cut) == wanted, f"cut after {size} bytes"


def test_a_round_with_steal_corrects_nothing_after_a_kill(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs beside the stolen CPU count, but the round is void: no sweep corrects by it."""
    beside = dataclasses.replace(CELLS[0], cpus=[[1], [1]])
    monkeypatch.setattr(sys.modules[__name__], "CELLS", [beside, *CELLS[1:]])
    stage.stolen = {1}
    stage.answer = lambda job: a_reply(job, seconds=3e-6 if job.round == 1 else 1e-6)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    play(stage, begin(whole), Progress())
    assert not any(result.rescaled for result in load(whole).cells.values())
    shutil.copytree(whole, cut)
    data = (whole / NAME).read_bytes()
    (cut / NAME).write_bytes(data[: data.index(b"\n", data.index(b'"kind":"round"')) + 1])
    take_up(stage, cut)
    assert essence(cut) == essence(whole)


def test_cells_that_failed_get_another_chance(stage: Stage, tmp_path: Path) -> None:
    """The cause of a failure may be solved meanwhile, such as a low limit or a full disk."""
    broken = IDS[1]
    stage.answer = lambda job: (
        a_failure() if job.loops and job.cell.id == broken and job.round < 3 else a_reply(job)
    )
    whole = tmp_path / "whole"
    whole.mkdir()
    play(stage, begin(whole), Progress())
    assert len(load(whole).cells[broken].failures) == 2 * GIVE_UP
    assert load(whole).cells[broken].status is Status.FAILED
    data = (whole / NAME).read_bytes()
    third = data.index(b'"round":3,"attempt"')
    (whole / NAME).write_bytes(data[: data.rindex(b"\n", 0, third) + 1])
    take_up(stage, whole)
    assert set(load(whole).cells[broken].by_round()) == {3}
    assert all(len(load(whole).cells[one].by_round()) == 3 for one in IDS if one != broken)


def test_finished_cells_are_not_calibrated_again(stage: Stage, tmp_path: Path) -> None:
    broken = IDS[1]
    stage.answer = lambda job: (
        a_failure() if job.cell.id == broken and not job.loops else a_reply(job)
    )
    play(stage, begin(tmp_path), Progress())
    jobs = len(stage.jobs)
    assert take_up(stage, tmp_path).reason == "complete"
    assert len(stage.jobs) == jobs


def test_a_pattern_of_another_version_has_no_block_to_correct(stage: Stage, tmp_path: Path) -> None:
    stage.play(CELLS, rounds=1)
    known = stage.results(CELLS, tmp_path)
    for result in known.cells.values():
        result.cell = msgspec.structs.replace(result.cell, pattern="of another version")
    assert Progress.of(known).lengths == {}
    known.rounds.clear()
    assert Progress.of(known).begun[1].lengths == {}
