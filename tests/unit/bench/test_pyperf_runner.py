"""ipcbench.bench.workers.pyperf_runner: pyperf inside a worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pyperf
import pytest

from ipcbench.bench.results.pyperf_file import accepted
from ipcbench.bench.results.records import OF_A_RUN
from ipcbench.bench.workers.pyperf_runner import facts_of_a_run

# pyperf allows one Runner a process, so each is made in a fresh one.
WORKER = """
import json, os, sys
from unittest import mock
import pyperf
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Settings
from ipcbench.bench.workers.job import Job
from ipcbench.bench.workers import pyperf_runner

loops, cpu, isolated, block = json.loads(sys.argv[1])
job = Job(
    cell=Cell(transport="pipe", pattern="latency", size=64, placement="same-core"), round=1,
    loops=loops, settings=Settings(values=3, warmups=2, block=block, stamps=0, rounds=1),
    cpus=[[cpu], [cpu]], awake=False, clock="fake", deadline=1.0,
)
runner = pyperf_runner.make()
read, write = os.pipe()
os.sched_setaffinity(0, [cpu])
seen = []
def run(loops):
    seen.append([loops, sorted(os.sched_getaffinity(0))])
    return loops * 0.004
with mock.patch("pyperf._runner.get_isolated_cpus", lambda: isolated):
    pyperf_runner.measure(runner, job, run, 2, write)
print(json.dumps([seen, json.loads(os.read(read, 1 << 16))]))
"""


def in_a_worker(loops: int, isolated: list[int] | None = None, block: float = 0.01) -> Any:
    cpu = max(os.sched_getaffinity(0))
    given = json.dumps([loops, cpu, isolated, block])
    done = subprocess.run(
        [sys.executable, "-c", WORKER, given], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_a_run_has_the_warmups_and_values_of_its_settings() -> None:
    seen, file = in_a_worker(100)
    assert [loops for loops, _ in seen] == [100] * 5
    (run,) = file["benchmarks"][0]["runs"]
    assert run["values"] == [pytest.approx(0.002)] * 3
    assert run["warmups"] == [[100, pytest.approx(0.002)]] * 2
    assert file["metadata"]["name"] == "latency/pipe/python/64B/2p/same-core"


@pytest.mark.parametrize(
    ("block", "loops"),
    [(0.01, [1, 2, 4, 4]), (0.1, [1, 2, 4, 8, 16, 32])],
    ids=["a short block, and one more", "a long block"],
)
def test_a_calibration_doubles_the_loops(block: float, loops: list[int]) -> None:
    seen, file = in_a_worker(0, block=block)
    assert [count for count, _ in seen] == loops
    assert file["benchmarks"][0]["runs"][0]["warmups"][-1][0] == loops[-1]


def test_a_worker_stays_on_its_cpu_where_the_machine_has_isolated_others() -> None:
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        pytest.skip("this process may use one CPU alone")
    seen, _ = in_a_worker(100, isolated=cpus[:1])
    assert {tuple(used) for _, used in seen} == {(cpus[-1],)}


def test_the_facts_of_a_run_are_those_of_pyperf() -> None:
    ours = facts_of_a_run()
    theirs = pyperf.Run([1.0], collect_metadata=True).get_metadata()
    assert ours.keys() == OF_A_RUN - {"duration"}
    assert accepted({**ours, "duration": 1.0}).keys() == OF_A_RUN
    for name in ("mem_max_rss", "uptime"):
        assert ours[name] == pytest.approx(theirs[name], rel=0.1)
    assert str(ours["date"])[:4] == theirs["date"][:4]
