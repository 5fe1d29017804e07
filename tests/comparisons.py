"""Synthetic comparisons: journals of two arms, from the difference of each pair."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.comparison.records import (
    ARMS,
    AnyComparisonEntry,
    ArmEntry,
    ArmName,
    ComparisonHeader,
    GatedCell,
    Pair,
)
from ipcbench.bench.results.journal import COMPARISON
from ipcbench.bench.results.records import Calibrated, Ended, Reason, Round, Run, Settings
from tests import synthetic

DELTA = 0.05
VALUE = 2e-6  # seconds of a unit of the base arm


def arm(name: ArmName, spec: str = "here") -> ArmEntry:
    return ArmEntry(
        name=name,
        spec=spec,
        described="this interpreter",
        digest="0" * 16,
        version="0.1.0",
        python="3.13.1 (CPython)",
        protocol=7,
    )


def header(seed: int = 1, budget: float | None = 180.0) -> ComparisonHeader:
    return ComparisonHeader(
        schema=1,
        version="0.1.0",
        started="2026-11-22T12:00:00+01:00",
        command=["ipcbench", "compare", "--base", "here", "--head", "here"],
        seed=seed,
        budget=budget,
        delta=DELTA,
        settings=Settings(values=2, warmups=1, block=0.0055, rounds=1),
        machine=synthetic.machine(),
        arms=[arm(name) for name in ARMS],
        clock="CLOCK_MONOTONIC, 1 ns",
        plan="0" * 16,
    )


def run(cell: Cell, number: int, value: float, attempt: int = 1) -> Run:
    return Run(
        cell=cell.id,
        round=number,
        attempt=attempt,
        loops=1000,
        inner_loops=1,
        warmups=[value],
        values=[value, value],
        cpus=[[0], [1]],
        depth=None,
        usage=[],
        foreign=0.0,
        start_up=0.01,
        timed=0.011,
        wall=0.03,
    )


def pair(cell: Cell, number: int, difference: float, first: ArmName = "base") -> Pair:
    """Make a pair whose ln(head / base) is the difference."""
    return Pair(
        cell=cell.id,
        number=number,
        attempt=1,
        first=first,
        base=run(cell, number, VALUE),
        head=run(cell, number, VALUE * math.exp(difference)),
        at=float(number),
    )


def round_line(number: int, **more: object) -> Round:
    line = Round(round=number, wall=1.0, timed=0.5, steal=0.0, load=0.0, limit=0.05)
    return msgspec.structs.replace(line, **more)


def cells(count: int = 2) -> list[Cell]:
    return synthetic.cells(synthetic.TRANSPORTS[:count], ("latency",), (64,))


def lines(
    compared: Sequence[Cell],
    difference: Callable[[Cell, int], float] = lambda cell, number: 0.0,
    pairs: int = 20,
    *,
    reason: Reason | None = "decided",
    seed: int = 1,
) -> Iterator[AnyComparisonEntry]:
    """Yield a journal: each cell has these differences, in the rounds from 1 on."""
    yield header(seed)
    for cell in compared:
        facts = synthetic.facts(cell.transport, cell.pattern, runtime=cell.runtime)
        yield GatedCell(cell=cell, facts=facts, delta=DELTA, cpus=[[0], [1]])
    for cell in compared:
        yield Calibrated(cell=cell.id, loops=1000)
    coin = random.Random(seed)
    for number in range(1, pairs + 1):
        for cell in compared:
            yield pair(cell, number, difference(cell, number), coin.choice(ARMS))
        yield round_line(number)
    if reason is not None:
        yield Ended(reason=reason, wall=float(pairs))


def write(entries: Iterable[AnyComparisonEntry], folder: Path) -> Path:
    """Write a journal into a folder, which it creates."""
    folder.mkdir(parents=True, exist_ok=True)
    data = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
    (folder / COMPARISON.name).write_bytes(data)
    return folder
