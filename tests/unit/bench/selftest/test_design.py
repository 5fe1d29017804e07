"""The design of a selftest: cells of every run."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from ipcbench.bench.errors import SweepError
from ipcbench.bench.selftest.design import designs


@pytest.mark.parametrize("cells", [3, 4, 9, 15, 30, 31, 100])
@pytest.mark.parametrize("seed", range(5))
def test_a_tenth_is_slowed_by_each_size_and_others_each_time(cells: int, seed: int) -> None:
    names = [f"cell {number}" for number in range(cells)]
    found = designs(names, 40, seed)
    number = max(1, round(cells / 10))
    for run in found:
        assert Counter(run.values()) == {0.05: number, 0.10: number}
    times = Counter(cell for run in found for cell in run)
    assert max(times.values()) - min(times[name] for name in names) <= 2
    for cell in names:
        small = sum(run.get(cell) == 0.05 for run in found)
        assert abs(2 * small - times[cell]) <= 2
    if cells >= 30:
        assert not any(one.keys() & other.keys() for one, other in pairwise(found))


def test_more_runs_begin_as_fewer_do() -> None:
    names = [f"cell {number}" for number in range(30)]
    assert designs(names, 20, 7)[:4] == designs(names, 4, 7) != designs(names, 4, 8)


def test_too_few_cells_are_refused() -> None:
    with pytest.raises(SweepError, match=r"2 of them are too few, it takes 3"):
        designs(["one", "two"], 1, 0)
