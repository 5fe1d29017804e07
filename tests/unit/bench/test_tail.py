"""bench.plan.tail: the number of stamps of a cell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.plan.tail import FAST, FEWER, PASS_BLOCKS, stamps_of
from ipcbench.bench.results.records import MOST_STAMPS


@pytest.mark.parametrize(
    ("asked", "loop", "block", "stamps"),
    [
        (200, 1e-6, 0.0055, 1000),
        (200, FAST, 0.0055, 200),
        (200, 270e-6, 0.0055, 200),
        (200, 500e-6, 0.0055, 100),  # a message of a megabyte
        (200, 1e-3, 0.02, 200),  # a pause of a millisecond
        (200, 2e-3, 0.02, 100),
        (200, 10e-3, 0.02, 20),  # a pause of ten
        (200, 20e-3, 0.02, 0),  # not even the median
        (1000, 50e-6, 0.02, 1000),
        (1000, 300e-6, 0.02, 200),
        (2000, 5e-6, 0.02, 10_000),
        (20, 1e-6, 0.002, 100),
        (20, 1e-3, 0.002, 20),
        (0, 1e-6, 0.02, 0),
        (10_000, 9e-6, 0.02, 1000),
    ],
)
def test_the_number_of_stamps(asked: int, loop: float, block: float, stamps: int) -> None:
    assert stamps_of(asked, loop, block) == stamps


@given(st.integers(0, MOST_STAMPS), st.floats(1e-9, 1e6), st.floats(1e-6, 1e3))
def test_no_pass_is_long(asked: int, loop: float, block: float) -> None:
    stamps = stamps_of(asked, loop, block)
    assert stamps in {0, asked, 5 * asked, *FEWER}
    assert stamps * loop <= PASS_BLOCKS * block
