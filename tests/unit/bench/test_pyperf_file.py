"""bench.results.pyperf_file: a worker's file has a figure, or is refused with the reason."""

from __future__ import annotations

import json

import pyperf
import pytest

from ipcbench.bench.results.pyperf_file import (
    LONGEST,
    SHORTEST,
    NoFigure,
    accepted,
    calibrated,
    measured,
)
from ipcbench.bench.results.records import MOST_BLOCKS


def written(values: object, warmups: object = (), **metadata: object) -> bytes:
    run = {"values": values, "warmups": warmups}
    return json.dumps({"benchmarks": [{"runs": [run]}], "metadata": metadata}).encode()


def test_a_file_of_pyperf_is_read() -> None:
    data = written([1e-6, 2e-6], [[1, 5e-6], [100, 3e-6]], uptime=1.5, hostname="host")
    found = measured(data)
    assert (found.values, found.warmups) == ([1e-6, 2e-6], [5e-6, 3e-6])
    assert found.metadata == {"uptime": 1.5}  # the hostname is the same in every run
    assert calibrated(data) == [(1, 5e-6), (100, 3e-6)]
    assert calibrated(written([], [[1, 1.0], [2, 2.0], [4, 3.0]])) == [(2, 2.0), (4, 3.0)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"benchmarks":[],"metadata":{}}',
        b'{"benchmarks":[{"runs":[]}],"metadata":{}}',
        written([]),
        written([0.0]),
        written([-1.0]),
        written([SHORTEST / 2]),
        written([LONGEST * 2]),
        written(["1"]),
        written([1.0], [[1, -1.0]]),
        written([1.0], [1.0]),
        written([1.0] * (MOST_BLOCKS + 1)),
        written([1.0]).replace(b"1.0", b"NaN"),
        written([1.0]).replace(b"1.0", b"1e999"),
    ],
    ids=lambda data: data[:60].decode(errors="replace"),
)
def test_a_file_without_a_figure_has_a_reason(data: bytes) -> None:
    with pytest.raises(NoFigure):
        measured(data)
    if b"warmups" not in data or b'"warmups": []' in data:
        with pytest.raises(NoFigure):
            calibrated(data)


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-300, 1e300])
def test_calibrating_to_no_time_is_a_reason(value: float) -> None:
    with pytest.raises(NoFigure):
        calibrated(written([1.0], [[1, 1.0], [1, value]]))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("note", ""),
        ("note", " \n "),
        ("uptime", -1.0),
        ("uptime", "long"),
        ("load_avg_1min", -0.1),
        ("mem_max_rss", 0),
        ("mem_max_rss", 10**400),
        ("duration", 1e300),
        ("date", "yesterday"),
        ("date", "9999-12-31 23:59:59"),
        ("date", "2026-11-25 03:54:38+01:00"),
        ("unit", "parsec"),
        ("anything", 10**400),
    ],
)
def test_metadata_that_pyperf_refuses_is_left_out(key: str, value: str | float) -> None:
    kept = {"date": "2026-11-25 03:54:38.273766", "duration": 0.5, "other": "as it is"}
    found = accepted({**kept, key: value})
    assert key not in found
    assert found["other"] == "as it is"
    run = pyperf.Run([1.0], metadata={**found, "name": "name"}, collect_metadata=False)
    pyperf.Benchmark([run, run]).get_dates()


def test_one_as_a_fraction_is_no_number_of_bytes() -> None:
    assert accepted({"mem_max_rss": 1}) == {"mem_max_rss": 1}
    assert accepted({"mem_max_rss": 1.0}) == {}


def test_a_date_without_a_duration_is_left_out() -> None:
    assert accepted({"date": "2026-11-25 03:54:38"}) == {}
