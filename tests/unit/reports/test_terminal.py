"""Answers of a run as text for a terminal."""

from __future__ import annotations

import re

import pytest

from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.results.results import Results
from ipcbench.reports.estimates import ratio
from ipcbench.reports.model import measured
from ipcbench.reports.names import a_unit
from ipcbench.reports.terminal.figures import MOST
from ipcbench.reports.terminal.summary import summary
from ipcbench.reports.terminal.text import columns, wrapped
from ipcbench.reports.terminal.tiers import tiers, tiers_as_data
from tests import synthetic

ANEW = ("fresh", "hot")
NAMES = ("pipe", "unix-stream", "tcp", "shm:posix+posix-sem")
SECONDS = {"pipe": 5e-6, "shm:posix+posix-sem": 5.02e-6, "unix-stream": 9e-6, "tcp": 1.4e-5}


def made(*, rounds: int = 12, twin: float = 1.0, placement: str = "cross-core-awake") -> Results:
    def time(transport: str, pattern: str, size: int, processes: int, place: str, n: int) -> float:
        return SECONDS[transport]

    planned = [
        *synthetic.cells(NAMES, sizes=(64,), placements=(placement,)),
        *synthetic.cells(NAMES, sizes=(64,), placements=(placement,), runtimes=("native",)),
    ]
    twins = [one for one in planned if one.transport == "pipe" and one.pattern == "latency"]
    results = synthetic.sweep(time, planned, rounds=rounds, twins=twins, noise=0.005, drift=0.0)
    for cell in results.cells.values():
        for run in cell.runs if cell.cell.twin else ():
            run.values = [value * twin for value in run.values]
    return results


def everything(task: str, situation: Situation) -> bool:
    return True


def line_of(text: list[str], case: str, where: str = "Python") -> str:
    """Find the line of a case below the heading of a language."""
    start = next(index for index, line in enumerate(text) if line.startswith(where))
    return next(line for line in text[start:] if line.startswith(f"  {case}"))


def test_trust_comes_first_and_each_case_has_a_line_in_each_language() -> None:
    text = summary(made())
    assert re.fullmatch(r"Trust: two cores awake ±\d\.\d %", text[0])
    for language in ("Python, two cores awake", "C, two cores awake"):
        row = line_of(text, "request, answer", language)
        assert re.search(r"(pipe|shared memory \+ POSIX sem\.) \+1 +5\.\d+ µs .*", row)
    assert "+N: N others are not told apart from it" in " ".join(text)


def test_all_answers_take_few_lines_of_80_columns() -> None:
    results = synthetic.breadth(rounds=8, tail=0)
    text = summary(results)
    assert len(text) <= 30
    for line in [*text, *tiers(results, everything)]:
        assert len(line) <= 80


def test_a_placement_that_cannot_be_trusted_has_no_figure() -> None:
    text = summary(made(twin=1.4))
    assert text[0] == "Trust: two cores awake not to be trusted"
    assert "this run cannot be trusted on two cores awake" in line_of(text, "request, answer")
    assert "µs" not in "".join(text)


def test_too_few_rounds_give_figures_alone_and_the_reason() -> None:
    text = summary(made(rounds=5))
    assert text[0].startswith("Trust: ")
    assert "latency, 64 B:" in text
    rows = [line for line in text if line.startswith("  pipe")]
    assert [re.split("  +", row.strip())[1] for row in rows] == [
        "Python, two cores awake",
        "C, two cores awake",
    ]
    assert all(re.search(r" [45]\.\d\d µs round trip$", row) for row in rows)
    assert text[-1] == "(medians of 5 rounds; no interval and no verdict: these take 6 rounds)"
    assert tiers(made(rounds=5), everything) == []


def test_what_all_cells_have_in_common_stands_above_them_where_lines_would_be_cut() -> None:
    names = ("unix-stream", "shm:posix+futex")
    axes = {"sizes": (65536,), "processes": (3,), "placements": ("cross-core",)}
    fresh, hot = (synthetic.cells(names, ("fan-in",), **axes, payload=kind) for kind in ANEW)
    text = summary(synthetic.sweep(lambda *given: 1e-5, fresh, rounds=3))
    assert "fan-in, 64 KiB, 3 processes, fresh payload:" in text
    assert [line.split("  ")[1] for line in text if "µs message" in line] == [
        "Unix socket",
        "shared memory + futex",
    ]
    text = summary(synthetic.sweep(lambda *given: 1e-5, [*hot, *fresh], rounds=3))
    assert "fan-in, 64 KiB, 3 processes:" in text
    assert [line.split("  ")[1] for line in text if "µs message" in line] == [
        "Unix socket",
        "shared memory + futex",
        "Unix socket: fresh payload",
        "shared memory + futex: fresh payload",
    ]


def test_many_cells_with_too_few_rounds_have_figures_of_the_first_ones() -> None:
    results = synthetic.breadth(rounds=3, tail=0)
    text = summary(results)
    shown = [one for one in measured(results) if not one.cell.is_control]
    assert len([line for line in text if line.startswith("  ") and "µs" in line]) == MOST
    assert f"({MOST} of {len(shown)} cells; medians of 3 rounds" in " ".join(text)
    assert summary(synthetic.sweep(synthetic.reference, [])) == []


def test_a_run_of_few_answers_has_a_line_for_each_placement() -> None:
    planned = synthetic.cells(NAMES, sizes=(64,), placements=("same-core", "cross-core-awake"))
    text = summary(synthetic.sweep(lambda name, *_: SECONDS[name], planned, noise=0.01))
    assert line_of(text, "request, answer", "Python, one core")
    assert line_of(text, "request, answer", "Python, two cores awake")


def test_transports_without_an_ordinary_case_are_compared() -> None:
    planned = synthetic.cells(NAMES[:2], ("stream",), (1 << 20,), payload="array")
    results = synthetic.sweep(lambda name, *_: SECONDS[name], planned, noise=0.01)
    text = summary(results)
    assert any(re.search(r"unix-stream .* 1\.[78]\d times as long$", line) for line in text)
    assert "the ratio of the two medians can differ)" in " ".join(text)


def test_times_as_long_are_those_of_the_page() -> None:
    results = made()
    text = tiers(results, lambda task, one: task == "small-request" and one.runtime == "python")
    (line,) = [line for line in text if line.startswith("    tcp")]
    cells = {
        one.cell.transport: one
        for one in measured(results)
        if one.cell.runtime == "python" and not one.cell.is_control
    }
    best = re.split(" +", text[text.index("  Python, latency, 64 B, two cores awake") + 1])[1]
    found = ratio(cells["tcp"], cells[best])
    assert found is not None and line.endswith(f" {found.median:.2f} times as long")


def test_an_answer_is_not_cut_for_a_long_case() -> None:
    planned = synthetic.cells(
        ("pipe", "shm:posix+futex"), ("fan-in",), (65536,), processes=(3,), payload="fresh"
    )
    text = summary(synthetic.sweep(synthetic.reference, planned))
    at = text.index("  many senders, fresh payload, 64 KiB, 3 processes")
    assert text[at + 1].startswith("    ") and "µs" in text[at + 1]
    assert "…" not in text[at + 1]
    assert text[at - 1].split() == ["Python,", "one", "core", "use", "takes", "CPU"]  # and no p99


def test_figures_follow_the_filter_and_the_trust() -> None:
    text = summary(made(rounds=5), lambda case, one: one.runtime == "native")
    assert not any("Python" in line for line in text)
    text = summary(made(rounds=5, twin=1.4))
    assert ["not to be trusted" in line for line in text if line.startswith("  TCP")] == [
        "not to be trusted" in text[0]
    ] * 2


def two_loops(native: float, *, wait: str = "block") -> Results:
    """Make a run of one facility in two languages, or two ways of waiting."""
    runtimes = ("native",) if wait == "block" else ("python",)
    place = ("cross-core-awake",)
    planned = [
        *synthetic.cells(("pipe",), sizes=(64,), placements=place),
        *synthetic.cells(("pipe",), sizes=(64,), placements=place, runtimes=runtimes, wait=wait),
    ]
    results = synthetic.sweep(lambda *given: 1e-5, planned, noise=0.002, drift=0)
    for entry in results.cells.values():
        for run in (
            entry.runs if (entry.cell.runtime, entry.cell.wait) != ("python", "block") else ()
        ):
            run.values = [value * native for value in run.values]
    return results


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (0.5, r"C is (1\.9|2\.0)\d times as fast as Python"),
        (1.5, r"Python is 1\.(49|5)\d* times as fast as C"),
        (1.0, r"(C and Python tie within 5 %|(C|Python) is (1\.00|1\.01) times as fast as .*)"),
    ],
)
def test_what_a_language_brings_is_said_in_one_line(times: float, says: str) -> None:
    line = summary(two_loops(times))[-1]
    assert re.fullmatch(rf"pipe, latency, 64 B, two cores awake: {says}", line)
    (full,) = [one for one in tiers(two_loops(times), everything) if one.startswith("  pipe")]
    assert full.startswith("  pipe, latency, 64 B, two cores awake: ")
    (data,) = tiers_as_data(two_loops(times), everything)
    assert data["task"] == "python-cost"


def test_what_spinning_brings_is_said_in_one_line() -> None:
    line = summary(two_loops(0.5, wait="spin"))[-1]
    assert re.fullmatch(
        r"pipe, latency, 64 B, two cores awake: spinning is (79|80)\.\d times as fast as sleeping",
        line,
    )


def test_two_cores_awake_come_before_others() -> None:
    planned = synthetic.cells(NAMES, placements=("same-core", "cross-core-awake", "unpinned"))
    text = summary(synthetic.sweep(lambda name, *_: SECONDS[name], planned))
    assert line_of(text, "request, answer", "Python, two cores awake")
    alone = synthetic.cells(NAMES, placements=("same-core", "unpinned"))
    text = summary(synthetic.sweep(lambda name, *_: SECONDS[name], alone))
    assert line_of(text, "request, answer", "Python, one core")


def test_filters_choose_among_the_answers() -> None:
    text = summary(made(), lambda case, one: one.runtime == "native")
    assert not any(line.startswith("Python") for line in text)
    assert line_of(text, "request, answer", "C, two cores awake")


def test_one_facility_alone_is_no_recommendation() -> None:
    planned = synthetic.cells(("pipe",), sizes=(64,))
    text = summary(synthetic.sweep(synthetic.reference, planned))
    assert "  pipe alone" in line_of(text, "request, answer")


def test_tiers_show_all_entrants() -> None:
    text = tiers(made(), lambda task, one: task == "small-request" and one.runtime == "python")
    assert text[0].startswith("small-request: A small request and its answer")
    text = text[text.index("  Python, latency, 64 B, two cores awake") :]
    assert len(text) == 1 + len(NAMES) + 1 + 3  # and a note
    assert text[2].rstrip().endswith(("not told apart", "alike"))
    assert re.search(r"tcp +1[34]\.\d µs +\(1.+ to 1.+\) +2\.\d\d times as long", text[4])


def test_tiers_as_data_are_the_same() -> None:
    data = tiers_as_data(made(), lambda task, one: task == "small-request")
    assert [one["situation"]["runtime"] for one in data] == ["python", "native"]  # type: ignore[index]
    entrants = data[0]["entrants"]
    assert isinstance(entrants, list)
    assert [one["standing"] for one in entrants][-1] == "out"
    assert data[0]["trust"] == "ok"


@pytest.mark.parametrize("evil", ["\x1b[2J", "a\nb"])
def test_no_text_of_a_journal_steers_a_terminal(evil: str) -> None:
    results = made()
    results.header.machine.settings["mitigations"] = evil
    for line in [*summary(results), *tiers(results, everything)]:
        assert line.isprintable()


@pytest.mark.parametrize(
    ("unit", "words"),
    [("update", "an update"), ("message", "a message"), ("one-way trip", "a one-way trip")],
)
def test_a_unit_has_its_article(unit: str, words: str) -> None:
    assert a_unit(unit) == words


def test_a_number_and_its_unit_stay_together_and_a_cut_text_keeps_its_end() -> None:
    for number in range(60, 80):
        for line in wrapped("x" * number + " ±480 %, 1.20 µs, 64 KiB and 4 sockets"):
            assert not re.search(r"\d$", line)
    rows = [("shared memory + POSIX semaphore, in place", "x" * 60), ("", "")]
    assert columns(rows)[0].startswith("shared me…in place")


def test_columns_are_aligned() -> None:
    assert columns([("a", "1"), ("bcd", "22")]) == ["a     1", "bcd  22"]
