"""reports.verdicts.anew: messages that are written anew, beside writing and reading alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ipcbench.bench.results.cell import Cell
from ipcbench.reports.model import measured
from ipcbench.reports.page.page import write
from ipcbench.reports.verdicts.anew import Anew, anew
from tests.synthetic import cells, sweep
from tests.unit.reports.pages import part

FRAME = 6_220_800
FUTEX, IN_PLACE = "shm:posix+futex", "shm:posix+futex/in-place"
MILLISECONDS = {"fill": 0.2, "scan": 0.1, IN_PLACE: 0.3, FUTEX: 0.9, "pipe": 3.0}


def time(transport: str, pattern: str, *_: object) -> float:
    return 1e-3 * MILLISECONDS.get(pattern, MILLISECONDS.get(transport, 1.0))


def planned(
    names: Sequence[str] = ("pipe", FUTEX, IN_PLACE), payload: str = "fresh", **axes: object
) -> list[Cell]:
    where = {"sizes": (64, FRAME), "payload": payload, **axes}
    return [
        *cells(names, ("stream", "latency"), **where),  # type: ignore[arg-type]
        *cells(["null"], ("fill", "scan"), processes=(1,), **where),  # type: ignore[arg-type]
    ]


def found(some: Sequence[Cell]) -> list[Anew]:
    return [one for one in anew(measured(sweep(time, some))) if one.measured.cell.size == FRAME]


def test_streams_stand_beside_a_process_alone_the_fastest_first() -> None:
    rows = found(planned())
    assert [one.measured.cell.transport for one in rows] == [IN_PLACE, FUTEX, "pipe"]
    assert {one.measured.cell.pattern for one in rows} == {"stream"}
    for one in rows:
        assert one.writing is not None
        assert one.reading is not None
        assert (one.writing.cell.pattern, one.reading.cell.pattern) == ("fill", "scan")
        assert one.writing.cell.size == one.reading.cell.size == FRAME


def test_each_is_divided_by_the_fastest_in_place() -> None:
    in_place, copied, pipe = found(planned())
    assert in_place.ratio is None
    assert copied.ratio is not None
    assert pipe.ratio is not None
    assert copied.ratio.low < 3 < copied.ratio.high
    assert pipe.ratio.low < 10 < pipe.ratio.high


def test_nothing_of_another_place_stands_beside_a_stream() -> None:
    both = [
        *planned(placements=("same-core", "cross-core"), runtimes=("python", "native")),
        *planned(payload="cold"),
    ]
    rows = found(both)
    assert len(rows) == 3 * 5
    for one in rows:
        for other in (one.writing, one.reading):
            assert other is not None
            for axis in ("runtime", "placement", "payload", "size"):
                assert getattr(other.cell, axis) == getattr(one.measured.cell, axis)


def test_a_process_alone_is_the_same_in_another_placement() -> None:
    awake = cells(["pipe"], ("stream",), (FRAME,), ("cross-core-awake",), payload="fresh")
    alone = cells(["null"], ("fill",), (FRAME,), processes=(1,), payload="fresh")
    (only,) = found([*awake, *alone])
    assert only.writing is not None
    assert only.writing.cell.placement == "same-core"


def test_a_hot_payload_is_not_written_anew() -> None:
    assert found(planned(payload="hot")) == []


def test_what_is_not_measured_is_left_out() -> None:
    (only,) = found(cells(["pipe"], ("stream",), (FRAME,), payload="fresh"))
    assert (only.writing, only.reading, only.ratio) == (None, None, None)


@pytest.mark.parametrize("payload", ["hot", "fresh"])
def test_the_page_has_a_section_of_them(payload: str, tmp_path: Path) -> None:
    results = sweep(time, planned(payload=payload))
    write(results, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert ('id="anew"' in page) is (payload == "fresh")
    assert ("<h3>Messages written anew</h3>" in page) is (payload == "fresh")
    if payload == "fresh":
        section = part(page, "anew")
        assert "1080p frame (6,220,800 B)" in section
        assert section.count("<tr>") == 1 + 2 * 3
