"""bench.results.comparison: pairs are read as they were written, and nothing is trusted."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.results.comparison.comparison import is_comparison, load
from ipcbench.bench.results.comparison.records import (
    AnyComparisonEntry,
    ComparisonHeader,
    GatedCell,
    Pair,
)
from ipcbench.bench.results.journal import Unreadable
from ipcbench.bench.results.records import Resumed, Round, Skipped
from tests import comparisons

FIRST, SECOND = comparisons.cells()
Change = Callable[[list[AnyComparisonEntry]], None]


def entries(pairs: int = 3) -> list[AnyComparisonEntry]:
    return list(comparisons.lines((FIRST, SECOND), lambda cell, number: number / 100, pairs))


def test_differences_are_in_their_order(tmp_path: Path) -> None:
    comparison = load(comparisons.write(entries(), tmp_path))
    assert is_comparison(tmp_path)
    assert [one.id for one in (FIRST, SECOND)] == list(comparison.cells)
    for cell in comparison.measured:
        found = cell.differences()
        assert [d for d, _ in found] == pytest.approx([0.01, 0.02, 0.03])
        assert [first for _, first in found] == [pair.first for pair in cell.pairs]
        assert cell.delta == comparisons.DELTA
    assert comparison.ended is not None
    assert comparison.spent == 3.0


def test_void_pairs_and_those_of_an_open_round_do_not_count(tmp_path: Path) -> None:
    found = entries()
    pairs = [one for one in found if isinstance(one, Pair) and one.cell == FIRST.id]
    pairs[1].void = pairs[1].head.void = "disturbed"
    kept = [one for one in found if not (isinstance(one, Round) and one.round == 3)]
    cell = load(comparisons.write(kept, tmp_path)).cells[FIRST.id]
    assert [d for d, _ in cell.differences()] == pytest.approx([0.01])
    assert len(cell.pairs) == 3


def test_the_steal_of_a_round_voids_its_pairs(tmp_path: Path) -> None:
    found = [
        comparisons.round_line(2, void="stolen", stolen={0: 0.2})
        if isinstance(one, Round) and one.round == 2
        else one
        for one in entries()
    ]
    cell = load(comparisons.write(found, tmp_path)).cells[FIRST.id]
    assert [pair.void for pair in cell.pairs] == ["", "stolen", ""]
    assert len(cell.runs("head")) == 2


def test_a_resumption_has_no_end_yet(tmp_path: Path) -> None:
    found = [*entries(), Resumed(started="later", command=["ipcbench"])]
    comparison = load(comparisons.write(found, tmp_path))
    assert comparison.ended is None
    assert len(comparison.resumed) == 1


def _second(found: list[AnyComparisonEntry]) -> Pair:
    return [one for one in found if isinstance(one, Pair) and one.cell == FIRST.id][1]


def _values(found: list[AnyComparisonEntry]) -> None:
    _second(found).head.values = [0.0]


def _other_cell(found: list[AnyComparisonEntry]) -> None:
    _second(found).head.cell = SECOND.id


def _other_loops(found: list[AnyComparisonEntry]) -> None:
    _second(found).head.loops += 1


def _hidden(found: list[AnyComparisonEntry]) -> None:
    _second(found).base.void = "disturbed"


def _twice(found: list[AnyComparisonEntry]) -> None:
    found.insert(found.index(_second(found)), _second(found))


def _backwards(found: list[AnyComparisonEntry]) -> None:
    found.append(comparisons.pair(FIRST, 1, 0.0))


def _planned_twice(found: list[AnyComparisonEntry]) -> None:
    found.append(next(one for one in found if isinstance(one, GatedCell)))


def _unknown(found: list[AnyComparisonEntry]) -> None:
    _second(found).cell = _second(found).head.cell = _second(found).base.cell = "none"


def _skipped(found: list[AnyComparisonEntry]) -> None:
    place = next(n for n, one in enumerate(found) if isinstance(one, GatedCell))
    found[place] = Skipped(cell=FIRST, reason="no", remedy="")


def _second_header(found: list[AnyComparisonEntry]) -> None:
    found.append(comparisons.header())


def _no_header(found: list[AnyComparisonEntry]) -> None:
    del found[0]


def _later_schema(found: list[AnyComparisonEntry]) -> None:
    found[0] = msgspec.structs.replace(comparisons.header(), schema=2)


def _same_arms(found: list[AnyComparisonEntry]) -> None:
    found[0] = msgspec.structs.replace(comparisons.header(), arms=[comparisons.arm("base")] * 2)


def _no_delta(found: list[AnyComparisonEntry]) -> None:
    found[0] = msgspec.structs.replace(comparisons.header(), delta=0.0)


def _round_again(found: list[AnyComparisonEntry]) -> None:
    found.append(comparisons.round_line(1))


def _behind_its_round(found: list[AnyComparisonEntry]) -> None:
    place = next(at for at, one in enumerate(found) if isinstance(one, Pair))
    first = found[place]
    assert isinstance(first, Pair)
    kept = [one for one in found if not (isinstance(one, Pair) and one.cell == first.cell)]
    found[:] = [*kept, first]


def _fewer_than_planned(found: list[AnyComparisonEntry]) -> None:
    header = found[0]
    assert isinstance(header, ComparisonHeader)
    header.planned = 3


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (_values, "no values"),
        (_other_cell, "of another cell"),
        (_other_loops, "different sizes"),
        (_hidden, "counts, though"),
        (_twice, "follows one of its round"),
        (_backwards, "follows one of its round"),
        (_planned_twice, "planned twice"),
        (_unknown, "not measured"),
        (_skipped, "not measured"),
        (_second_header, "second header"),
        (_no_header, "no header"),
        (_later_schema, "schema 2"),
        (_same_arms, "not base and head"),
        (_no_delta, "delta"),
        (_round_again, "ends behind"),
        (_behind_its_round, "a pair of round 1 stands behind the end of it"),
        (_fewer_than_planned, "2 of 3 planned cells: compare anew"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(change: Change, what: str, tmp_path: Path) -> None:
    found = entries()
    change(found)
    with pytest.raises(Unreadable, match=what) as refused:
        load(comparisons.write(found, tmp_path))
    assert "\n" not in str(refused.value)


def test_a_difference_of_extreme_values_is_finite(tmp_path: Path) -> None:
    found = entries()
    pair = _second(found)
    pair.base.values, pair.head.values = [1e-12], [1e6]
    cell = load(comparisons.write(found, tmp_path)).cells[FIRST.id]
    assert all(math.isfinite(d) for d, _ in cell.differences())
