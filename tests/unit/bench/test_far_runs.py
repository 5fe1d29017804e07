"""Far runs: void while most of the last runs on their CPUs were nearer."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from ipcbench.bench.results.records import Disturbance, Run
from ipcbench.bench.sweep.far_runs import FEWEST, RECENT, FarRuns
from ipcbench.bench.workers.job import Job, Reply
from tests.unit.bench.test_schedule import Stage, a_plan, a_reply, stage

__all__ = ["stage"]  # the fixture

NEAR, FAR = 100e-9, 490e-9


@dataclass
class One:
    """A run at a distance."""

    distance: float | None
    cpus: list[list[int]] = field(default_factory=lambda: [[1], [0]])
    foreign: float | None = 0.0
    disturbance: Disturbance = field(default_factory=Disturbance)


def void(*distances: float | None) -> list[bool]:
    """Tell which of these runs, in turn, are void."""
    runs, found = FarRuns(), []
    for distance in distances:
        runs.take(One(distance))
        found.append(bool(runs.why(One(distance))))
    return found


def test_a_burst_of_far_runs_is_void() -> None:
    assert (
        void(*[NEAR] * 60, *[FAR] * 40, *[NEAR] * 20) == [False] * 60 + [True] * 40 + [False] * 20
    )


def test_what_stays_far_is_the_machine_now() -> None:
    found = void(*[NEAR] * RECENT, *[FAR] * RECENT, *[NEAR] * RECENT)
    most = RECENT // 2 - 1
    assert found[RECENT : RECENT + most] == [True] * most
    assert not any(found[RECENT + most :])


def test_the_first_runs_and_those_of_no_distance_count() -> None:
    assert not any(void(*[NEAR] * (FEWEST - 2), FAR))
    assert void(*[NEAR] * FEWEST, None, FAR) == [False] * (FEWEST + 1) + [True]
    assert not any(void(*[FAR] * 30, *[NEAR] * 30))  # what is near is never void


def test_each_pair_of_cpus_has_distances_of_its_own() -> None:
    runs = FarRuns()
    for _ in range(FEWEST):
        runs.take(One(NEAR, [[1], [0]]))
        runs.take(One(FAR, [[1], [7]]))
    assert runs.why(One(FAR, [[7], [1]])) == ""
    assert runs.why(One(FAR, [[0], [1]])) == (
        "its CPUs were far apart: a cache line took 490 ns from one to the other and back, "
        "usually 100 ns"
    )


@pytest.mark.parametrize("keep", [False, True])
def test_a_far_run_is_retaken_in_its_round(keep: bool, stage: Stage) -> None:
    """The host moves the CPUs for the first two runs of the second round."""
    cells, runs = a_plan(12), itertools.count()

    def answer(job: Job) -> Reply:
        reply = a_reply(job)
        assert reply.outcome is not None
        reply.outcome.cpus = job.cpus
        reply.outcome.distance = NEAR
        if job.round == 2 and next(runs) < 2:
            reply.outcome.distance = FAR
        return reply

    stage.answer = answer
    stage.play(cells, rounds=2, keep_disturbed=keep)
    second = [run for run in stage.runs if run.round == 2]
    assert [bool(run.void) for run in second] == (
        [False] * 12 if keep else [True] * 2 + [False] * 12
    )
    if not keep:
        assert [run.cell for run in second[12:]] == [run.cell for run in second[:2]]
    assert all(isinstance(run, Run) and run.distance for run in stage.runs)
