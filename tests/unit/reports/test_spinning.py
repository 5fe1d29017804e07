"""reports.verdicts.spinning: a lead is split into the share of spinning and that of the memory."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec import structs

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.results import Results
from ipcbench.reports.model import measured
from ipcbench.reports.page.page import write
from ipcbench.reports.verdicts.spinning import Split, foremost, pairs, splits
from tests.synthetic import MEMORY, SPINNING, cells, sweep

FUTEX = "shm:posix+futex"
NAMES = ("pipe", "unix-stream", FUTEX)
ACROSS = ("cross-core", "cross-core-awake")


def flat(*_: object) -> float:
    return 40e-6


def planned(
    names: Iterable[str] = NAMES,
    placements: Iterable[str] = ACROSS,
    runtimes: Iterable[str] = ("python", "native"),
    size: int = 64,
) -> list[Cell]:
    """Make cells that sleep and cells that spin."""
    axes = list(names), ("latency",), (size,), list(placements), None, list(runtimes)
    return [cell for wait in ("block", "spin") for cell in cells(*axes, wait=wait)]


def found(some: Iterable[Cell]) -> list[Split]:
    return splits(measured(sweep(flat, list(some))))


def test_a_lead_is_that_of_spinning_times_that_of_the_memory() -> None:
    all_of_them = found(planned())
    places = [(one.blocking_pipe.cell.runtime, one.blocking_pipe.cell.placement)
              for one in all_of_them]  # fmt: skip
    assert places == [(runtime, where) for runtime in ("python", "native") for where in ACROSS]
    for one in all_of_them:
        assert one.spinning and one.memory and one.lead
        assert one.spinning.low < SPINNING < one.spinning.high
        assert one.memory.low < MEMORY < one.memory.high
        assert one.lead.median == pytest.approx(SPINNING * MEMORY, rel=0.1)
        assert [each.wait for each in one.cells] == ["block", "spin", "spin"]


LACKING = [("pipe", "block"), ("pipe", "spin"), (FUTEX, "spin")]


@pytest.mark.parametrize("lacking", LACKING, ids=str)
def test_without_one_of_the_three_nothing_is_split(lacking: tuple[str, str]) -> None:
    assert found(cell for cell in planned() if (cell.transport, cell.wait) != lacking) == []


@pytest.mark.parametrize(
    "some",
    [
        planned(placements=("same-core", "unpinned")),
        planned(size=4096),
        [structs.replace(cell, pace="pause:1ms") for cell in planned()],
        [structs.replace(cell, depth=4) for cell in planned()],
        [structs.replace(cell, payload="fresh") for cell in planned()],
    ],
    ids=["shared CPUs", "large", "pauses", "depth", "fresh"],
)
def test_other_round_trips_are_not_split(some: list[Cell]) -> None:
    assert found(some) == []
    assert pairs(measured(sweep(flat, some))) == []


def test_a_journal_of_an_older_version_is_split_as_well() -> None:
    """There, memory that spins was a transport of its own."""
    new = [cell for cell in planned() if (cell.transport, cell.wait) != (FUTEX, "spin")]
    old = [
        structs.replace(cell, transport="shm:posix+spin", wait="block")
        for cell in planned((FUTEX,))
        if cell.wait == "spin"
    ]
    assert len(found([*new, *old])) == 4
    both = pairs(measured(sweep(flat, [*new, *old])))
    spinning = {one.spinning.cell.transport for one in both}
    assert spinning == {"pipe", "unix-stream", "shm:posix+spin"}


def test_the_first_screen_has_the_native_loop() -> None:
    one = foremost(found(planned()))
    assert one is not None
    assert one.blocking_pipe.cell.id == "latency/pipe/native/64B/2p/cross-core"
    assert foremost([]) is None


def test_each_facility_is_paired_where_it_sleeps_and_spins() -> None:
    some = [cell for cell in planned() if (cell.transport, cell.wait) != ("unix-stream", "spin")]
    both = pairs(measured(sweep(flat, some)))
    assert [one.blocking.cell.transport for one in both] == ["pipe", FUTEX] * 4
    for one in both:
        assert one.ratio
        assert one.spinning.cpu * SPINNING * 0.9 < one.blocking.cpu * 2000 / 1500


# The page.


def page_of(results: Results, folder: Path) -> str:
    page = write(results, folder).read_text()
    return re.sub(r"<[^>]*>", " ", page[page.index("<main>") :])


def test_the_page_shows_both_shares_and_the_cpu_time(tmp_path: Path) -> None:
    text = page_of(sweep(flat, planned()), tmp_path)
    assert "Is it the memory, or the spinning?" in text
    assert re.search(r"[34]\d\.\d\S by spinning, [45]\.\d+\S by the memory\.", text)
    assert re.search(
        r"C loop, two cores, 64 B: a pipe is \S+ \(\S+\) as fast if both ends spin, and "
        r"shared memory \(shm:posix\+futex\) that spins \S+ \(\S+\) as fast as that; together "
        r"\S+ \(\S+\)\. CPU time of both processes in a round trip: \S+ µs, \S+ µs, \S+ ns\.",
        text,
    )
    section = text[text.index("Each facility, sleeping and spinning") :]
    assert "unix-stream" in section
    answer = text[text.index("The lowest latency, with a core to burn") :]
    assert "shared memory, spinning" in answer.partition("Its contests")[0]


def test_without_spinning_cells_the_page_says_nothing_of_it(tmp_path: Path) -> None:
    some = [cell for cell in planned() if cell.wait == "block"]
    text = page_of(sweep(flat, some), tmp_path)
    assert "or the spinning?" not in text
    assert "Spinning and sleeping" not in text


HEADLINE = r"or the spinning\? (\S+ )?\S+ by spinning, (\S+ )?\S+ by the memory\."


@pytest.mark.parametrize(("noise", "mark"), [(0.02, None), (5, "≈ ")])
def test_a_ratio_that_may_be_1_is_marked(tmp_path: Path, noise: float, mark: str | None) -> None:
    text = page_of(sweep(flat, planned(), noise=noise), tmp_path)
    found = re.search(HEADLINE, " ".join(text.split()))
    assert found is not None
    assert found.groups() == (mark, mark)


def test_ratios_of_too_few_rounds_are_marked_and_have_no_headline(tmp_path: Path) -> None:
    text = page_of(sweep(flat, planned(), rounds=5), tmp_path)
    assert "or the spinning? No answer: there are fewer than 6 common" in " ".join(text.split())
    sentence = re.search(r"a pipe is (≈ )?\S+ \(\S+\) as fast if both ends spin", text)
    assert sentence is not None
    assert sentence[1] == "≈ "
