"""Verdicts about comparisons, from journals of made-up pairs."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.comparison.comparison import load
from ipcbench.bench.results.comparison.records import (
    AnyComparisonEntry,
    ArmFailed,
    ComparisonHeader,
    GatedCell,
    Pair,
)
from ipcbench.bench.results.records import Ended, Reason, Round, Skipped
from ipcbench.reports.gate.compare import plainly, report_of
from ipcbench.reports.gate.exports.formats import FORMATS
from ipcbench.reports.gate.report import GateReport, GateVerdict
from tests import comparisons

FIRST, SECOND = comparisons.cells()


def noise(seed: int, share: float) -> float:
    return random.Random(seed).gauss(0.0, share)


def entries(
    *shifts: float, pairs: int = 60, share: float = 0.01, ended: Reason = "decided"
) -> Iterator[AnyComparisonEntry]:
    """Make a journal in which head is slower by a shift of the logarithm, cell by cell."""
    found = dict(zip((FIRST.id, SECOND.id), shifts, strict=False))
    cells = (FIRST, SECOND)[: len(shifts)]

    def difference(cell: Cell, number: int) -> float:
        return found[cell.id] + noise(7 * number + (cell is SECOND), share)

    return comparisons.lines(cells, difference, pairs, reason=ended)


def judged(found: Iterator[AnyComparisonEntry] | list[AnyComparisonEntry], folder: Path,
           **more: str) -> GateReport:  # fmt: skip
    written = comparisons.write(list(found), folder)
    return report_of(load(written), folder, plainly(folder), **more)  # type: ignore[arg-type]


def verdicts(report: GateReport) -> list[str]:
    return [line.verdict.value for line in report.lines]


def test_one_pair_is_no_pairs(tmp_path: Path) -> None:
    assert judged(entries(0.0, pairs=1), tmp_path).notes[0].startswith("1 pair in ")


def test_a_slow_down_is_broken_and_no_change_passes(tmp_path: Path) -> None:
    report = judged(entries(0.3, 0.0), tmp_path)
    assert verdicts(report) == ["broken", "passed"]
    assert report.exit_code == 1
    broken, passed = report.lines
    assert broken.effect and broken.effect.low and broken.effect.low > 1
    assert broken.effect.ratio == pytest.approx(1.35, rel=0.05)
    assert passed.effect and passed.effect.high and passed.effect.high < 1.05
    assert [side.name for side in broken.sides] == ["base", "head"]
    assert not broken.reason and broken.counted == "pairs"


def test_a_faster_head_passes(tmp_path: Path) -> None:
    assert judged(entries(-0.3), tmp_path).exit_code == 0


@pytest.mark.parametrize(
    ("ended", "pairs", "texts"),
    [
        ("interrupted", 10, ("stopped; about ", " pairs would decide it", "compare --resume")),
        ("budget", 10, ("about ", " pairs would decide it", "compare --resume", "--budget 1m")),
        ("budget", 2, ("too few pairs", "ipcbench compare --resume", "--budget 1m")),
        ("decided", 300, ("300 pairs, the most that are played", "hides 5 %")),
    ],
)
def test_an_open_cell_says_what_it_takes(
    ended: Reason, pairs: int, texts: tuple[str, ...], tmp_path: Path
) -> None:
    report = judged(entries(0.025, share=0.4, pairs=pairs, ended=ended), tmp_path)
    (line,) = report.lines
    assert line.verdict is GateVerdict.INCONCLUSIVE and report.exit_code == 2
    for text in texts:
        assert text in f"{line.reason}: {line.remedy}"
    for form, function in FORMATS.items():
        assert line.remedy in function(report).replace("\\", ""), form


def test_a_remedy_of_several_cells_is_said_once(tmp_path: Path) -> None:
    report = judged(entries(0.025, 0.025, share=0.4, pairs=10, ended="budget"), tmp_path)
    for form in ("table", "markdown"):
        assert FORMATS[form](report).count("ipcbench compare --resume") == 1


def void(found: list[AnyComparisonEntry]) -> list[AnyComparisonEntry]:
    for one in found:
        if isinstance(one, Pair):
            one.void = one.head.void = "others took 7 % of the CPU"
    return found


def failed(found: list[AnyComparisonEntry]) -> list[AnyComparisonEntry]:
    failure = ArmFailed(
        arm="head", cell=FIRST.id, round=1, who="the worker", where="loop", what="Corrupt: byte 3",
        remedy="mend it",
    )  # fmt: skip
    kept = [one for one in found if not isinstance(one, Pair)]
    return [*kept[:-1], failure, kept[-1]]


def absent(found: list[AnyComparisonEntry]) -> list[AnyComparisonEntry]:
    return [*found[:1], Skipped(cell=SECOND, reason="no module", remedy="install it"), *found[1:]]


@pytest.mark.parametrize(
    ("change", "words", "code", "text"),
    [
        (void, ["inconclusive"], 2, "all of its 60 pairs are void (others took 7 % of the CPU): "),
        (failed, ["not measured"], 3, "the head arm failed: the worker, loop: Corrupt: byte 3"),
        (absent, ["passed", "not applicable"], 0, "skipped: no module: install it"),
    ],
)  # fmt: skip
def test_a_cell_without_pairs_says_why(
    change: Callable[[list[AnyComparisonEntry]], list[AnyComparisonEntry]],
    words: list[str], code: int, text: str, tmp_path: Path,
) -> None:  # fmt: skip
    report = judged(change(list(entries(0.0))), tmp_path)
    assert sorted(verdicts(report)) == sorted(words)
    assert report.exit_code == code
    assert any(text in line.reason for line in report.lines)


def test_more_time_is_no_remedy_for_a_cell_that_fails(tmp_path: Path) -> None:
    found = list(entries(0.025, share=0.4, pairs=10, ended="complete"))
    report = judged([*found[:-1], *failed(found)[-2:]], tmp_path)
    (line,) = report.lines
    assert line.verdict is GateVerdict.INCONCLUSIVE and not line.remedy
    assert line.reason.startswith("given up: the head arm failed: the worker, loop: Corrupt")


def test_a_promised_cell_that_is_skipped_is_not_measured(tmp_path: Path) -> None:
    report = judged(absent(list(entries(0.0))), tmp_path, thresholds="t.toml")
    assert report.exit_code == 3


def test_a_placement_that_the_machine_lacks_counts_where_it_was_asked_for(tmp_path: Path) -> None:
    awake = msgspec.structs.replace(FIRST, placement="cross-core-awake")
    lacking = Skipped(cell=awake, reason="not permitted", remedy="run as root")
    found = list(entries(0.0))
    comparison = load(comparisons.write([*found[:1], lacking, *found[1:]], tmp_path))

    def code(*, placed: bool) -> int:
        again = plainly(tmp_path)
        return report_of(comparison, tmp_path, again, asked_for=True, placed=placed).exit_code

    assert code(placed=False) == 0
    assert code(placed=True) == 3


def test_a_transport_that_was_asked_for_and_is_skipped_is_not_measured(tmp_path: Path) -> None:
    comparison = load(comparisons.write(absent(list(entries(0.0))), tmp_path))
    report = report_of(comparison, tmp_path, plainly(tmp_path), asked_for=True)
    assert report.exit_code == 3


def test_a_comparison_that_was_stopped_at_once_is_resumed(tmp_path: Path) -> None:
    found = [one for one in entries(0.0) if not isinstance(one, Pair | Ended)]
    (line,) = judged(found, tmp_path).lines
    assert line.verdict is GateVerdict.NOT_MEASURED
    assert line.reason.endswith("stopped before its first pair")
    assert line.remedy == f"ipcbench compare --resume {tmp_path}"


def test_a_round_that_was_stopped_is_not_void(tmp_path: Path) -> None:
    found = [
        one for one in entries(0.0, pairs=1, ended="interrupted") if not isinstance(one, Round)
    ]
    report = judged(found, tmp_path)
    (line,) = report.lines
    assert line.verdict is GateVerdict.INCONCLUSIVE
    assert line.reason == "stopped before the end of round 1"
    assert line.remedy == f"ipcbench compare --resume {tmp_path}"
    assert "void" not in " ".join(report.notes)


def test_every_format_writes_it(tmp_path: Path) -> None:
    report = judged(entries(0.3, 0.0), tmp_path, could_see="This gate sees 4 %.")
    for form, function in FORMATS.items():
        text = function(report)
        assert "broken" in text and ("This gate sees 4 %" in text), form
    assert "The second run of a pair took" in FORMATS["table"](report)


NASTY = "\x1b[2J::error::x##[error]x|`@all`#1<script>\u202e%0A\r\n</details>"


def nasty(found: list[AnyComparisonEntry]) -> list[AnyComparisonEntry]:
    """Put a hostile text wherever a journal has one that people read."""
    header, *rest = absent(failed(found))
    assert isinstance(header, ComparisonHeader)
    header.arms = [
        msgspec.structs.replace(arm, spec=NASTY, described=NASTY, python=NASTY)
        for arm in header.arms
    ]
    header.machine = msgspec.structs.replace(header.machine, cpu_model=NASTY)
    for one in rest:
        match one:
            case ArmFailed():
                one.who = one.where = one.what = one.remedy = NASTY
            case Skipped():
                one.reason = one.remedy = NASTY
            case GatedCell():
                one.promises = [NASTY]
    return [header, *rest]


def test_no_text_of_a_journal_steers_a_reader(tmp_path: Path) -> None:
    report = judged(nasty(list(entries(0.0))), tmp_path, thresholds=NASTY)
    for form, function in FORMATS.items():
        for line in function(report).splitlines():
            assert line.isprintable(), form
    for line in FORMATS["table"](report).splitlines():
        assert not line.lstrip().startswith("::") and "##[" not in line
    assert len(FORMATS["annotations"](report).splitlines()) == 1 + len(report.lines)
    assert not re.search(r"(?<!\\)<script", FORMATS["markdown"](report))
    ElementTree.fromstring(FORMATS["junit"](report))
