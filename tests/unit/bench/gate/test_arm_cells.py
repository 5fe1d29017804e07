"""Cells that an arm of another version cannot play are skipped, with its reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ipcbench.bench.arms import examination
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
    assert "head cannot play it: it has no transport nowhere" in found[CELLS[2].id]


def test_the_interpreter_of_the_command_has_planned_them(tmp_path: Path) -> None:
    assert skipped(playable(PLAN, [arm(sys.executable), arm(sys.executable, "head")])) == {}


def test_the_reason_is_one_line(tmp_path: Path) -> None:
    found = skipped(playable(PLAN, [arm(fake(tmp_path, ["", "it has\nno such", "", ""]))]))
    assert found == {CELLS[1].id: "base cannot play it: it has\\nno such"}


def test_an_environment_that_may_have_another_ipcbench_is_asked(tmp_path: Path) -> None:
    changed = replace(arm(sys.executable), changes={"PYTHONPATH": str(old_package(tmp_path))})
    found = skipped(playable(PLAN, [changed]))
    assert found[CELLS[0].id] == "base cannot play it: it has no pattern latency"


def test_what_both_arms_lack_is_said_once(tmp_path: Path) -> None:
    one, other = fake(tmp_path, ["a", "b", "", "d"]), tmp_path / "other"
    other.mkdir()
    two = fake(other, ["a", "c", "", ""])
    assert skipped(playable(PLAN, [arm(one), arm(two, "head")])) == {
        CELLS[0].id: "base and head cannot play it: a",
        CELLS[1].id: "base cannot play it: b; head cannot play it: c",
        CELLS[3].id: "base cannot play it: d",
    }


@pytest.mark.parametrize("rest", ["exec sleep 20", "kill -9 $$", "printf '[\"\", '"])
def test_the_names_are_told_though_the_rest_fails(
    rest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A probe of a transport may hang, or end the process."""
    monkeypatch.setattr(examination, "ANSWER_TIME", 2.0)
    program = Path(fake(tmp_path, ["", "x", "", ""]))
    program.write_text(f"{program.read_text()}\necho\n{rest}\n")
    found = skipped(playable(PLAN, [arm(str(program))]))
    assert found == {CELLS[1].id: "base cannot play it: x"}


# An ipcbench of before most of this one's names: what the program of the examination asks of it.
OLD = {
    "bench/results/cell.py": """
import msgspec
class Cell(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    transport: str
    pattern: str
    size: int
    processes: int = 2
    placement: str
    runtime: str = "python"
    wait: str = "block"
    payload: str = "hot"
    batch: int = 1
    def __post_init__(self):
        if self.wait not in ("block", "poll"):
            raise ValueError("a wait that is unknown")
""",
    "bench/patterns/table.py": """
from types import SimpleNamespace
PATTERNS = {"stream": SimpleNamespace(topology="link"), "echo": SimpleNamespace(topology="hub")}
FRESH = {"stream": PATTERNS["stream"]}
def pattern_of(cell):
    if cell.batch != 1 and cell.pattern != "stream":
        raise KeyError(cell.pattern)
    return (FRESH if cell.payload != "hot" else PATTERNS)[cell.pattern]
""",
    "transports/registry.py": """
from types import SimpleNamespace
class UnknownTransport(Exception):
    pass
def get(name):
    if name != "old":
        raise UnknownTransport(name)
    return SimpleNamespace(traits=SimpleNamespace(topologies={"link"}), probe=lambda: None)
""",
}


def old_package(place: Path) -> Path:
    for name, text in OLD.items():
        written = place / "ipcbench" / name
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(text)
    return place


LACKS: dict[str, dict[str, object]] = {
    "": {},
    "it has no pattern set-up": {"pattern": "set-up"},
    "it has no transport new": {"transport": "new"},
    "it has no wait spin": {"wait": "spin"},
    "it has no looks 7": {"looks": 7},
    "it has no echo with payload fresh": {"pattern": "echo", "payload": "fresh"},
    "it has no echo with batch 4": {"pattern": "echo", "batch": 4},
    "it has no echo with payload fresh and batch 4": {
        "pattern": "echo", "payload": "fresh", "batch": 4,
    },
    "it has no echo over old": {"pattern": "echo"},
    "Object contains unknown field `looks`": {"looks": 7, "wait": "spin"},
}  # fmt: skip


def test_an_older_version_lacks_names_of_any_kind(tmp_path: Path) -> None:
    usual = {"transport": "old", "pattern": "stream", "size": 64, "placement": "same-core"}
    done = subprocess.run(
        [sys.executable, "-c", examination.PROGRAM.read_text()],
        env=os.environ | {"PYTHONPATH": str(old_package(tmp_path)), "PYTHONSAFEPATH": "1"},
        input=json.dumps([usual | more for more in LACKS.values()]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    first, last = map(json.loads, done.stdout.splitlines())
    assert first == last == list(LACKS)


@pytest.mark.parametrize("reply", [[], ["x"], "x", None, [1, 2, 3, 4]])
def test_an_arm_that_does_not_answer_plays_all(reply: object, tmp_path: Path) -> None:
    """Its runs say why it cannot."""
    arms: Sequence[Arm] = [arm(fake(tmp_path, reply)), arm("/bin/false", "head")]
    assert skipped(playable(PLAN, arms)) == {}
