"""Examination of the cells that are planned: an arm of another version may lack some of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import msgspec

from ipcbench.bench.arms.arm import Arm
from ipcbench.bench.errors import LEAVE_OUT
from ipcbench.bench.plan.planner import Plan
from ipcbench.bench.plan.refusals import Skip
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.workers.job import shortened

PROGRAM = Path(__file__).with_name("examine.py")
ANSWER_TIME = 60.0  # seconds

_encoder = msgspec.json.Encoder()
_answers: msgspec.json.Decoder[list[str]] = msgspec.json.Decoder(list[str])


def playable(found: Plan, arms: Sequence[Arm]) -> Plan:
    """Return the plan, where the cells that one of the arms cannot play are skipped."""
    cells = [one.cell for one in found.cells]
    others = [arm for arm in arms if not _is_ours(arm)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda arm: _reasons(arm, cells), others))
    skips: dict[str, Skip] = {}
    for cell, *reasons in zip(cells, *answers, strict=True):
        said = _together({arm.name: why for arm, why in zip(others, reasons, strict=True) if why})
        if said:
            skips[cell.id] = Skip(said, LEAVE_OUT)
    return Plan(
        [one for one in found.cells if one.cell.id not in skips],
        [*found.skipped, *((cell, skips[cell.id]) for cell in cells if cell.id in skips)],
    )


def _is_ours(arm: Arm) -> bool:
    """Tell whether an arm is what has planned the cells."""
    return arm.executable == sys.executable and not arm.changes and not arm.dropped


def _together(reasons: Mapping[str, str]) -> str:
    """Say which arms cannot play a cell, and why; "" where there is none."""
    if len(reasons) > 1 and len(set(reasons.values())) == 1:
        reasons = {" and ".join(reasons): next(iter(reasons.values()))}
    return "; ".join(f"{name} cannot play it: {reason}" for name, reason in reasons.items())


def _reasons(arm: Arm, cells: Sequence[Cell]) -> list[str]:
    """Ask an arm; where it does not answer, its runs will say why."""
    written = _answer(arm, _encoder.encode([shortened(cell) for cell in cells]))
    for line in reversed(written.splitlines()):  # the last one that is whole
        with suppress(ValueError):
            found = _answers.decode(line)
            if len(found) == len(cells):
                return [one_line(reason) for reason in found]
    return [""] * len(cells)


def _answer(arm: Arm, cells: bytes) -> bytes:
    """Return what an arm has written when it ends, or when its time is over."""
    try:
        return subprocess.run(
            [arm.executable, "-c", PROGRAM.read_text()],
            env=arm.environment,
            input=cells,
            capture_output=True,
            timeout=ANSWER_TIME,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired as late:
        return late.stdout or b""
    except OSError:
        return b""
