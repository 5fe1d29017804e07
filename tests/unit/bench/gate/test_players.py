"""bench.pairs.players: fork servers of each arm's own program."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ipcbench.bench.arms.arm import Arm
from ipcbench.bench.loops.clock import FAKE
from ipcbench.bench.pairs.coin import in_order
from ipcbench.bench.pairs.players import Players, program_of
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.plan.timing import timing_of
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.comparison.records import ARMS, ArmName
from ipcbench.bench.results.records import Settings
from ipcbench.bench.workers.fork_parent import Program
from ipcbench.transports.kernel_objects.ledger import current
from tests import synthetic

CELL = Cell(transport="null", pattern="latency", size=64, placement="same-core")
PLANNED = PlannedCell(CELL, synthetic.facts("null", "latency"), [[0], [0]])
SETTINGS = Settings(values=1, warmups=1, block=0.001, rounds=1)


def an_arm(name: ArmName, **changes: str) -> Arm:
    return Arm(
        name=name,
        spec="here",
        described="this interpreter",
        executable=sys.executable,
        digest="",
        version="0",
        python="3",
        protocol=7,
        changes=changes,
        dropped=("IPCBENCH_GONE",),
    )


def variables(pid: int) -> set[str]:
    return set(Path(f"/proc/{pid}/environ").read_text().split("\0"))


def test_each_arm_has_servers_with_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPCBENCH_GONE", "1")
    monkeypatch.setenv("IPCBENCH_KEPT", "1")
    current()
    pids: list[int] = []
    programs = {arm: program_of(an_arm(arm, IPCBENCH_ARM=arm)) for arm in ARMS}
    timings = {CELL.id: timing_of(CELL, PLANNED.cpus, SETTINGS, FAKE)}
    players = Players(timings, FAKE, pids.append, programs)
    try:
        for number, first in ((1, ARMS[0]), (2, ARMS[1])):
            players.renew(first, ARMS[0])
            for arm, pid in zip(in_order(first), pids[-2:], strict=True):
                found = variables(pid)
                assert {f"IPCBENCH_ARM={arm}", "IPCBENCH_KEPT=1"} <= found
                assert not any(one.startswith("IPCBENCH_GONE=") for one in found)
                assert players.run(arm, PLANNED, number, 1, 10).failure is None
        assert len(set(pids)) == 4
    finally:
        players.end()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_arms_with_the_same_interpreter_have_programs_of_their_own() -> None:
    base, head = (program_of(an_arm(arm)) for arm in ARMS)
    assert base != head
    assert base == program_of(an_arm("base"))
    assert "IPCBENCH_GONE" not in Program(dropped=("IPCBENCH_GONE",)).environment
