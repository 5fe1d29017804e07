"""bench.results.pace: spans within bounds, each in one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.pace import LONGEST, SHORTEST, gap, offered, pace_order, parse_pace


@pytest.mark.parametrize(
    ("written", "pace", "seconds"),
    [
        ("closed", "closed", 0.0),
        ("pause:100us", "pause:100us", 1e-4),
        ("pause:1000us", "pause:1ms", 1e-3),
        ("pause:10ms", "pause:10ms", 1e-2),
        ("pause:1000ms", "pause:1s", 1.0),
        ("load:050", "load:50", 0.0),
        ("poisson:1", "poisson:1", 0.0),
        ("rate:0100000", "rate:100000", 0.0),
    ],
)
def test_a_pace_has_one_spelling(written: str, pace: str, seconds: float) -> None:
    assert parse_pace(written) == pace
    assert gap(written) == gap(pace) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "open", "pause", "pause:", "pause:1", "pause:0us", "pause:2s", "pause:1.5ms",
             "load", "load:", "load:0", "load:101", "load:5.5", "load:-1", "load:50%", "poisson:0",
             "rate:9", "rate:10000001", "rate:1k", "rate:99999999", "load:5\u0660", "Load:50",
             "pause:-1ms", "pause:1m", "pause: 1ms", "pause:1ms ", "Pause:1ms", "pause:1\u0661ms"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write closed, or a pause of 1us to 1s"):
        parse_pace(text)


@given(st.integers(SHORTEST, LONGEST))
def test_every_pause_within_bounds_is_a_pace(microseconds: int) -> None:
    pace = parse_pace(f"pause:{microseconds}us")
    assert parse_pace(pace) == pace
    assert gap(pace) == pytest.approx(microseconds * 1e-6)


def test_a_cell_takes_the_one_spelling_alone() -> None:
    with pytest.raises(ValueError, match="is written pause:1ms"):
        Cell(transport="pipe", pattern="latency", size=64, placement="x", pace="pause:1000us")


def test_a_rate_is_a_share_of_the_capacity_or_absolute() -> None:
    assert offered("closed") is offered("pause:1ms") is None
    for pace, rate in (("load:50", 1000.0), ("poisson:50", 1000.0), ("rate:300", 300.0)):
        found = offered(pace)
        assert found is not None
        assert found.rate(2000) == rate


def test_paces_have_an_order() -> None:
    paces = ["closed", "load:10", "load:80", "poisson:10", "rate:100", "pause:1ms", "pause:1s"]
    assert sorted([*paces[3:], *paces[:3]], key=pace_order) == paces
