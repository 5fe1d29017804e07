"""bench.rounds.order: the order of a round, and the cells of a mini-round."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.decisions.contest import Contest
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.rounds.order import MINI, Shuffle

FACTS = Facts(per="round trip", family="pipe", wait="block", copies=2, framing="stream")


def a_planned(size: int, placement: str = "same-core", *, twin: bool = False) -> PlannedCell:
    cell = Cell(transport="pipe", pattern="latency", size=size, placement=placement, twin=twin)
    return PlannedCell(cell, FACTS, [[0], [0]])


def many(count: int) -> list[PlannedCell]:
    return [a_planned(size) for size in range(count)]


def ordered(
    cells: list[PlannedCell], seed: int, number: int, contests: list[Contest] | None = None
) -> list[PlannedCell]:
    return Shuffle(seed, number).order(cells, contests or [])


def a_contest(name: str, *sizes: int) -> Contest:
    first, *second = (a_planned(size).cell.id for size in sizes)
    return Contest(name, "t", "f", "", [first], second, 0.05)


@given(seed=st.integers(0, 2**32 - 1), number=st.integers(0, 100), count=st.integers(0, 40))
def test_an_order_is_a_permutation_that_can_be_repeated(seed: int, number: int, count: int) -> None:
    cells = many(count)
    found = ordered(cells, seed, number)
    assert sorted(one.cell.size for one in found) == list(range(count))
    assert ordered(cells, seed, number) == found
    shuffled = list(cells)
    random.Random(seed).shuffle(shuffled)
    assert ordered(shuffled, seed, number) == found  # by seed and round, and nothing else


def test_rounds_and_seeds_have_orders_of_their_own() -> None:
    cells = many(30)
    orders = [
        tuple(one.cell.size for one in ordered(cells, seed, number))
        for seed in range(5)
        for number in range(20)
    ]
    assert len(set(orders)) == len(orders)


def test_each_cell_comes_everywhere_in_a_round() -> None:
    """A cell that always came early would meet other conditions than one that came late."""
    cells, rounds = many(10), 400
    places = [0.0] * 10
    for number in range(rounds):
        for place, one in enumerate(ordered(cells, 1, number)):
            places[one.cell.size] += place / rounds
    assert all(abs(place - 4.5) < 0.75 for place in places)  # 5 standard errors


def test_the_order_never_changes() -> None:
    """A sweep of an earlier version must be resumed in its own order."""
    assert [one.cell.size for one in ordered(many(8), 42, 3)] == [2, 0, 5, 6, 4, 3, 7, 1]


@given(
    seed=st.integers(0, 2**32 - 1),
    sides=st.lists(st.lists(st.integers(0, 25), min_size=2, max_size=4, unique=True), max_size=9),
)
def test_the_sides_of_a_contest_run_near_each_other(seed: int, sides: list[list[int]]) -> None:
    """A cell of several contests runs with one of them; all cells run, each once."""
    cells = many(20)
    contests = [a_contest(str(number), *sizes) for number, sizes in enumerate(sides)]
    found = [one.cell.size for one in ordered(cells, seed, 1, contests)]
    assert sorted(found) == list(range(20))
    shuffled = list(contests)
    random.Random(seed).shuffle(shuffled)
    assert [one.cell.size for one in ordered(cells, seed, 1, shuffled)] == found
    for number, sizes in enumerate(sides):
        known = {size for size in sizes if size < 20}
        others = {size for other, more in enumerate(sides) if other != number for size in more}
        if known and not known & others:
            places = [found.index(size) for size in known]
            assert max(places) - min(places) == len(known) - 1


def test_each_contest_comes_everywhere() -> None:
    cells, contests = many(30), [a_contest(str(n), 3 * n, 3 * n + 1) for n in range(10)]
    orders = [[one.cell.size for one in ordered(cells, 1, n, contests)] for n in range(400)]
    for size in (0, 1, 2, 29):  # of a contest's two sides, and of no contest
        mean = sum(found.index(size) for found in orders) / len(orders)
        assert abs(mean - 14.5) < 2.2  # 5 standard errors
    first = sum(found.index(0) < found.index(1) for found in orders)
    assert 150 < first < 250


# Mini-rounds.

SECONDS = 0.125


def padded(chosen: list[PlannedCell], cells: list[PlannedCell], number: int = 9) -> list[str]:
    seconds = {one.cell.id: SECONDS for one in cells}
    found = Shuffle(7, number).padded({one.cell.id for one in chosen}, cells, seconds)
    ids = [one.cell.id for one in found]
    assert len(set(ids)) == len(ids)
    assert {one.cell.id for one in chosen} <= {*ids}
    return ids


@pytest.mark.parametrize("count", [1, 5, 10, 15])
def test_a_mini_round_lasts_long_enough(count: int) -> None:
    cells = many(40)
    found = padded(cells[:count], cells)
    assert len(found) == max(count, round(MINI / SECONDS))


def test_all_cells_together_may_be_too_few() -> None:
    assert len(padded(many(1), many(3))) == 3


def test_controls_of_the_same_placement_come_first() -> None:
    twins = [a_planned(size, twin=True) for size in (0, 1)]
    elsewhere = [a_planned(size, "cross-core") for size in range(20)]
    cells = [*elsewhere, a_planned(0, "cross-core", twin=True), *many(30), *twins]
    chosen = many(30)[5:8]
    found = padded(chosen, cells)
    controls = {one.cell.id for one in (*twins, *many(2))}
    assert controls <= {*found}
    assert not [one for one in found if "cross-core" in one]


def test_mini_rounds_are_padded_differently() -> None:
    cells = many(40)
    found = [tuple(padded(cells[:1], cells, number)) for number in range(20)]
    assert len(set(found)) == 20
    assert padded(cells[:1], cells, 3) == list(found[3])
