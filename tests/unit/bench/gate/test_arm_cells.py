"""Cells that an arm of another version cannot play are skipped, with its reason."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ipcbench.bench.arms.arm import Arm
from ipcbench.bench.arms.examination import playable
from ipcbench.bench.plan.planner import Plan, PlannedCell
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.transports.native import built

CELLS = [
    Cell(transport=transport, pattern="latency", runtime=runtime, size=64, placement="same-core")
    for transport in ("pipe", "nowhere")
    for runtime in ("python", "native")
]
FACTS = Facts(per="round trip", family="pipe", wait="block", copies=2, framing="stream")
PLAN = Plan([PlannedCell(cell, FACTS, [[0], [0]]) for cell in CELLS], [])


def arm(executable: str, name: str = "base") -> Arm:
    return Arm(name, "x", "x", executable, "", "", "", 7)


def fake(place: Path, reply: object) -> str:
    program = place / "python"
    program.write_text(f"#!/bin/sh\nprintf %s '{json.dumps(reply)}'\n")
    program.chmod(0o755)
    return str(program)


def skipped(found: Plan) -> dict[str, str]:
    assert {one.cell.id for one in found.cells} | {cell.id for cell, _ in found.skipped} == {
        cell.id for cell in CELLS
    }
    return {cell.id: why.reason for cell, why in found.skipped}


def test_an_interpreter_says_which_cells_it_lacks() -> None:
    other = str(Path(sys.executable).with_name("python3"))
    found = skipped(playable(PLAN, [arm(sys.executable), arm(other, "head")]))
    lacking = {cell.id for cell in CELLS if cell.transport == "nowhere"}
    lacking |= {cell.id for cell in CELLS if cell.runtime == "native"} if built() else set()
    assert found.keys() == lacking
    assert "head cannot play it: unknown transport 'nowhere'" in found[CELLS[2].id]


def test_the_interpreter_of_the_command_has_planned_them(tmp_path: Path) -> None:
    assert skipped(playable(PLAN, [arm(sys.executable), arm(sys.executable, "head")])) == {}


def test_the_reason_is_one_line(tmp_path: Path) -> None:
    found = skipped(playable(PLAN, [arm(fake(tmp_path, ["", "it has\nno such", "", ""]))]))
    assert found == {CELLS[1].id: "base cannot play it: it has\\nno such"}


@pytest.mark.parametrize("reply", [[], ["x"], "x", None, [1, 2, 3, 4]])
def test_an_arm_that_does_not_answer_plays_all(reply: object, tmp_path: Path) -> None:
    """Its runs say why it cannot."""
    arms: Sequence[Arm] = [arm(fake(tmp_path, reply)), arm("/bin/false", "head")]
    assert skipped(playable(PLAN, arms)) == {}
