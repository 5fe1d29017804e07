"""Made-up sweeps for the tests of decisions: contests, and times with ties and several modes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from hypothesis import strategies as st

from ipcbench.bench.decisions.contest import LOOKS, Asks, Contest, Times
from ipcbench.bench.decisions.looks import Judge
from ipcbench.bench.results.records import Looked

LAST = LOOKS[-1]

SIDES = st.sampled_from(
    [(("a",), ("b",)), (("a", "b"), ("c", "d", "e")), (("c",), ("d",)), (("a",), ("c", "e"))]
)


def contest(
    name: str = "c",
    first: Sequence[str] = ("a",),
    second: Sequence[str] = ("b",),
    family: str = "f",
    band: float = 0.05,
    asks: Asks = Asks.DIRECTION,
) -> Contest:
    return Contest(name, "task", family, "", tuple(first), tuple(second), band, asks)


def placement_of(cell: str) -> str:
    return "same-core"


def judge(*contests: Contest, looks: Sequence[int] = LOOKS) -> Judge:
    return Judge(contests, placement_of, looks=looks)


def until(times: Times, rounds: int) -> Times:
    return {
        cell: {number: value for number, value in own.items() if number <= rounds}
        for cell, own in times.items()
    }


@st.composite
def sweeps(draw: st.DrawFn) -> tuple[list[Contest], Times]:
    """Draw contests of two families, and times with outliers, ties and missing runs."""
    sides = draw(st.lists(SIDES, min_size=1, max_size=4, unique=True))
    contests = [
        contest(
            f"c{number}",
            *both,
            family=f"f{draw(st.integers(0, 1))}",
            asks=draw(st.sampled_from(Asks)),
        )
        for number, both in enumerate(sides)
    ]
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    spread = draw(st.sampled_from([0.001, 0.05, 0.4]))
    digits = draw(st.sampled_from([1, 2, 9]))  # few: values of two cells are equal
    slow = draw(st.sampled_from([0.0, 0.1, 0.5]))  # share of runs in a second mode
    lost = draw(st.sampled_from([0.0, 0.1]))
    times: dict[str, dict[int, float]] = {}
    for cell in "abcde":
        logs = generator.normal(draw(st.sampled_from([0.0, 0.03, 0.5])), spread, LAST)
        logs += np.log(1.5) * (generator.random(LAST) < slow)
        missing = generator.random(LAST) < lost
        times[cell] = {
            number + 1: max(float(round(value, digits)), 0.1)
            for number, value in enumerate(np.exp(logs))
            if not missing[number]
        }
    return contests, times


def play(found: Judge, times: Times, lines: list[Looked], rounds: int = LAST) -> None:
    """Judge as the rounds come, and write the journal."""
    for number in range(1, rounds + 1):
        now = until(times, number)
        for due in found.due(now):
            line = found.look(now, due)
            lines.append(msgspec.json.decode(msgspec.json.encode(line), type=Looked))
