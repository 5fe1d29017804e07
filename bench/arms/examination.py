"""Examination of the cells that are planned: an arm of another version may lack some of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from ipcbench.bench.arms.arm import Arm
from ipcbench.bench.plan.planner import Plan
from ipcbench.bench.plan.refusals import Skip
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.workers.job import shortened

PROGRAM = Path(__file__).with_name("examine.py")
ANSWER_TIME = 60.0  # seconds
REMEDY = "leave the cell out, or compare arms that both have it"

_encoder = msgspec.json.Encoder()
_answers: msgspec.json.Decoder[list[str]] = msgspec.json.Decoder(list[str])


def playable(found: Plan, arms: Sequence[Arm]) -> Plan:
    """Return the plan, where the cells that one of the arms cannot play are skipped."""
    cells = [one.cell for one in found.cells]
    others = [arm for arm in arms if arm.executable != sys.executable]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda arm: _reasons(arm, cells), others))
    skips: dict[str, Skip] = {}
    for arm, reasons in zip(others, answers, strict=True):
        for cell, reason in zip(cells, reasons, strict=True):
            if reason:
                skips.setdefault(cell.id, Skip(f"{arm.name} cannot play it: {reason}", REMEDY))
    return Plan(
        [one for one in found.cells if one.cell.id not in skips],
        [*found.skipped, *((cell, skips[cell.id]) for cell in cells if cell.id in skips)],
    )


def _reasons(arm: Arm, cells: Sequence[Cell]) -> list[str]:
    """Ask an arm; where it does not answer, its runs will say why."""
    try:
        done = subprocess.run(
            [arm.executable, "-c", PROGRAM.read_text()],
            env=arm.environment,
            input=_encoder.encode([shortened(cell) for cell in cells]),
            capture_output=True,
            timeout=ANSWER_TIME,
            check=True,
        )
        found = _answers.decode(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return [""] * len(cells)
    if len(found) != len(cells):
        return [""] * len(cells)
    return [one_line(reason) for reason in found]
