"""Experiments on machines with low limits, and experiments that are killed."""

from __future__ import annotations

import os
import random
from dataclasses import replace

import pytest

from ipcbench.bench.experiments.frame.runner import play
from ipcbench.bench.experiments.table import EXPERIMENTS
from ipcbench.bench.results.records import Observation
from ipcbench.bench.results.results import load
from ipcbench.transports.testing.leaks import left_since, outliving
from tests.faults.confined import Confinement
from tests.faults.sweeps import Sandbox
from tests.sampling import some

MIB, PAGE = 1 << 20, os.sysconf("SC_PAGE_SIZE")
LOW = Confinement(namespaces=("ipc",), settings={"kernel/shmmax": str(3 * MIB)})
FEW = Confinement(namespaces=("ipc",), settings={"kernel/shmall": "512"})  # pages
NO_QUEUES = Confinement(limits={"RLIMIT_MSGQUEUE": 0})
SHORT = ("what-stays", "queue-types", "segment-life", "map-keeps", "largest-segment")


def observed(sandbox: Sandbox, confinement: Confinement, name: str) -> Observation:
    """Have a sweep of one cell play an experiment under a confinement."""
    cell = ("-t", "pipe", "-s", "64", "--pattern", "latency", "--placement", "same-core")
    done = sandbox.run(
        confinement, "run", "--profile", "smoke", *cell, "--experiment", name,
        "-o", sandbox.results,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return load(sandbox.results).observations[name]


@pytest.mark.parametrize(
    ("confinement", "bound", "most"),
    some([(LOW, "kernel.shmmax", 3), (FEW, "kernel.shmall", 512 * PAGE / MIB)], 1),
)
def test_a_low_limit_is_found(
    sandbox: Sandbox, confinement: Confinement, bound: str, most: float
) -> None:
    found = observed(sandbox, confinement, "largest-segment")
    for way in ("sparse", "with memory for all pages"):
        assert found.figures[f"largest {way}, MiB"] == most
        assert found.texts[f"bound {way}"] == bound


def test_a_queue_that_cannot_be_had_is_a_row_with_the_reason(sandbox: Sandbox) -> None:
    found = observed(sandbox, NO_QUEUES, "what-stays")
    (row,) = (row for row in found.rows if row["facility"] == "posix-queue")
    assert "RLIMIT_MSGQUEUE" in str(row["skipped"])
    assert found.figures["left for a later receiver, sysv-queue"] == found.figures["messages sent"]


@pytest.mark.parametrize("name", SHORT)
def test_an_experiment_that_is_killed_leaves_nothing(name: str) -> None:
    before = outliving()
    for _ in range(3):
        found = play(replace(EXPERIMENTS[name], limit=random.uniform(0.1, 1.0)))
        assert not found.failed or "no end after" in found.failed
    assert not left_since(before, outliving)
