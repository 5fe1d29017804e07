"""The journal of a sweep can be read, whatever its transports and profiles contain."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.plan.planner import cells_of
from ipcbench.bench.plan.profile import BadConfig, load_profile, parse_profile
from ipcbench.bench.results.records import Settings
from ipcbench.bench.workers.fork_parent import ForkServer, ForkServerLost
from ipcbench.bench.workers.job import Job, Reply
from tests.unit.bench.test_profile import PROFILE, refused, swapped
from tests.unit.bench.test_schedule import Stage, a_plan, a_reply, stage

__all__ = ["stage"]  # the fixture


def garbled(job: Job) -> Reply:
    return msgspec.structs.replace(a_reply(job), suite=msgspec.Raw(b'{"benchmarks":[]}'))


def holding(**numbers: int) -> Callable[[Job], Reply]:
    """Answer with another depth, or other bytes in flight."""

    def reply(job: Job) -> Reply:
        found = a_reply(job)
        assert found.outcome is not None
        found.outcome = msgspec.structs.replace(found.outcome, **numbers)
        return found

    return reply


@pytest.mark.parametrize(
    ("answer", "calibrates"),
    [
        (garbled, False),
        (lambda job: a_reply(job, seconds=0.0), False),
        (lambda job: a_reply(job, seconds=-1.0), False),
        (lambda job: a_reply(job, seconds=1e-300), False),
        (lambda job: a_reply(job, seconds=1e300), False),
        (lambda job: a_reply(job, seconds=1e-300 if job.loops else 1e-6), True),
        (holding(depth=-1), True),
        (holding(depth=10**30), True),
        (holding(in_flight=-1), True),
        (holding(in_flight=10**30), True),
    ],
    ids=[
        "no run",
        "zero",
        "negative",
        "tiny",
        "huge",
        "tiny later",
        "depth -1",
        "depth",
        "in flight -1",
        "in flight",
    ],
)
def test_a_worker_that_brings_no_figure_has_failed(
    stage: Stage, tmp_path: Path, answer: Callable[[Job], Reply], calibrates: bool
) -> None:
    cells = a_plan(2)
    stage.answer = lambda job: answer(job) if job.cell == cells[0].cell else a_reply(job)
    stage.play(cells, rounds=2)
    first, second = stage.results(cells, tmp_path).cells.values()
    assert len(second.good) == 2
    assert not first.runs
    assert {(one.who, one.where) for one in first.failures} == {("the worker", "its result")}
    assert (first.loops is not None) is calibrates


def test_a_failure_is_cut_to_what_a_line_holds(stage: Stage, tmp_path: Path) -> None:
    from ipcbench.bench.workers.control import ProcessFailure

    cells = a_plan(1)
    stage.answer = lambda job: Reply(failure=ProcessFailure("peer 1", "attach", "x" * (1 << 25)))
    stage.play(cells, rounds=1)
    assert len(stage.results(cells, tmp_path).cells[cells[0].cell.id].failures[0].what) == 10_000


def test_a_sweep_ends_before_its_journal_is_too_large(stage: Stage) -> None:
    from ipcbench.bench.sweep.schedule import Schedule

    settings = Settings(values=3, warmups=1, block=0.01, stamps=200, rounds=12)
    sweep = Schedule(
        a_plan(1),
        settings,
        1,
        stage.lines.append,
        stage,
        clock="fake",
        full=lambda: len(stage.rounds) == 2,
    )
    assert sweep.run().reason == "full"
    assert len(stage.rounds) == 2


@pytest.mark.parametrize("answer", [b"{}}\n", b"\xff\n", b"null\n", b"[" * 100_000 + b"\n"])
def test_an_answer_that_is_none_is_a_lost_fork_server(answer: bytes) -> None:
    here, there = socket.socketpair()
    parent = ForkServer.__new__(ForkServer)
    parent._socket, parent._lines = here, here.makefile("rb")
    job = Job(
        cell=a_plan(1)[0].cell,
        round=1,
        loops=1,
        settings=Settings(values=1, warmups=0, block=0.01, stamps=0, rounds=1),
        cpus=[[0], [0]],
        awake=False,
        clock="fake",
        deadline=5.0,
    )
    with here, there, parent._lines:
        writer = threading.Thread(target=there.sendall, args=(answer,))
        writer.start()
        with pytest.raises(ForkServerLost, match="cannot be read"):
            parent.run(job)
        writer.join()


# Profiles.


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("values = 3", "values = 10001", "1 to 10000"),
        ("warmups = 1", "warmups = 10001", "0 to 10000"),
        ('block = "10ms"', 'block = "999999999h"', "1h at most"),
        ("stamps = 400", "stamps = 10001", "0 to 10000"),
        ('sizes = ["64", "4K"]', 'sizes = ["999999999999999G"]', "more than any memory holds"),
        ('sizes = ["64", "4K"]', f"sizes = {list(range(1, 1002))}", "line "),
    ],
)
def test_a_profile_that_no_journal_could_hold_is_refused(old: str, new: str, said: str) -> None:
    assert said in refused(swapped(old, new))


def test_a_profile_with_too_many_cells_is_refused() -> None:
    sizes = ",\n".join(map(str, range(1, 1001)))
    profile = parse_profile("many", swapped('["64", "4K"]', f"[\n{sizes}\n]").encode())
    with pytest.raises(BadConfig, match="over 10000 cells"):
        list(cells_of(profile.axes, lambda pattern: [f"{pattern}{i}" for i in range(10)]))


def test_a_long_line_and_a_deep_nest_are_refused() -> None:
    for text in ("a." * 1000 + "a = 1", "a = " + "[" * 490, "\n".join(["a = ["] * 5000)):
        refused(PROFILE + text)


def test_a_profiles_name_is_text(tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9\x1b.toml"
    path.write_text(PROFILE)
    assert load_profile(str(path)).name == "caf\\udce9\\x1b"
