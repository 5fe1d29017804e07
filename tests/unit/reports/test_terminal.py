"""Answers of a run as text for a terminal."""

from __future__ import annotations

import re

import pytest

from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.results.results import Results
from ipcbench.reports.terminal.summary import a_unit, columns, summary
from ipcbench.reports.terminal.tiers import tiers, tiers_as_data
from tests import synthetic

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


def test_trust_comes_first_and_each_task_has_a_line_in_each_language() -> None:
    text = summary(made())
    assert text[0].startswith("Two cores awake: good, repeatable to ±")
    python, c = text.index("Fastest from Python:"), text.index("Fastest from C:")
    assert python < c
    (row,) = (line for line in text[python:c] if line.startswith("small-request"))
    assert re.fullmatch(r"small-request +awake +(pipe|shm:posix\+posix-sem) \+1 +5\.\d+ µs .*", row)
    assert row.endswith(" a round trip")
    assert "awake: two cores whose idle states are forbidden; +1: one other" in text[-1]
    assert all(len(line) <= 80 for line in text[python:c])


def test_a_placement_that_cannot_be_trusted_has_no_figure() -> None:
    text = summary(made(twin=1.4))
    rows = [line for line in text if line.startswith("small-request")]
    assert rows
    assert all(line.endswith("not to be trusted") for line in rows)
    assert "µs" not in "".join(rows)


def test_too_few_rounds_give_no_answer() -> None:
    assert summary(made(rounds=5)) == []
    assert tiers(made(rounds=5), everything) == []


def test_two_cores_awake_come_before_others() -> None:
    planned = synthetic.cells(NAMES, placements=("same-core", "cross-core-awake", "unpinned"))
    text = summary(synthetic.sweep(lambda name, *_: SECONDS[name], planned))
    (row,) = (line for line in text if line.startswith("small-request"))
    assert " awake " in row
    alone = synthetic.cells(NAMES, placements=("same-core", "unpinned"))
    text = summary(synthetic.sweep(lambda name, *_: SECONDS[name], alone))
    (row,) = (line for line in text if line.startswith("small-request"))
    assert " one core " in row


def test_tiers_show_all_entrants() -> None:
    text = tiers(made(), lambda task, one: task == "small-request" and one.runtime == "python")
    assert text[0].startswith("small-request: A small request and its answer")
    assert text[1] == "  Python, latency, 64 B, two cores awake"
    assert len(text) == 2 + len(NAMES) + 1
    assert text[3].rstrip().endswith(("not told apart", "alike"))
    assert re.search(r"tcp +1[34]\.\d µs +\(1.+ to 1.+\) +2\.\d\d times as long", text[5])


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


def test_columns_are_aligned() -> None:
    assert columns([("a", "1"), ("bcd", "22")]) == ["a     1", "bcd  22"]
