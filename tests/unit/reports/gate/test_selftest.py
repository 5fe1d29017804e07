"""The words and the chart of a selftest."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from ipcbench.bench.results.comparison.selftest import CellOutcome, SelftestResult
from ipcbench.bench.selftest import judging
from ipcbench.reports.charts.kinds.selftest import selftest_chart
from ipcbench.reports.drawing.figures import draw
from ipcbench.reports.gate.selftest import contradictions, lines, sentence
from tests.unit.bench.selftest.results import gate_run, result


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> SelftestResult:
    folder: Path = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "DRAWN", 150)
        return result([gate_run(folder, number, [0.051, 0.102]) for number in (1, 2, 3)])


def test_the_sentence_beside_a_verdict(found: SelftestResult) -> None:
    smallest = f"{100 * (found.sights[0].smallest or 0):.1f}"
    assert (
        sentence(found)
        == sentence(found, {"same-core"})
        == (
            f"the gate on this machine could have seen slow-downs of {smallest} % on one core: "
            "0 false alarms in 9 equal cells (selftest of 2026-11-29)"
        )
    )
    text = sentence(found, {"same-core", "cross-core"})
    assert text.endswith("2026-11-29; it says nothing of cells on two cores with idle states)")
    assert sentence(found, {"cross-core"}) == (
        "the selftest of this machine (2026-11-29: 0 false alarms in 9 equal cells) says nothing "
        "of cells on two cores with idle states"
    )
    few = structs.replace(found.sights[0], pairs=10, smallest=None, curve=[])
    text = sentence(structs.replace(found, sights=[few]), {"same-core"})
    assert text.endswith("says nothing of cells on one core")


def test_the_lines_count_alarms_and_what_was_found(found: SelftestResult) -> None:
    text = "\n".join(lines(found))
    for part in (
        "Selftest of the gate: 3 runs of 5 cells, 1 min 10 s each, profile gate",
        "equal arms: 0 of 9 (0 to 34 %) false alarms; 9 passed, 0 inconclusive",
        "slower by 5 %: found 3 of 3 (29 to 100 %); 0 passed, 0 inconclusive; the true sizes are "
        "5.1 % to 5.1 %, 5.1 % in the middle",
        "silent passes: 0 of 6 (0 to 46 %) of the cells that were slower by 5 % or more",
        "is found 95 % of the time",
        "found by size, 1 %: 0 %, 2 %: ",
    ):
        assert part in text


def outcome(run: int, asked: float, verdict: str, true: float = 0.0) -> CellOutcome:
    return CellOutcome(
        run=run, cell=f"cell {run}", kind="same-core", asked=asked, true=true or asked,
        verdict=verdict, pairs=20, ratio=1.01,
    )  # type: ignore[arg-type]  # fmt: skip


def test_counts_that_contradict_the_guarantee_are_said(found: SelftestResult) -> None:
    assert contradictions(found) == []
    one = [outcome(run, 0.0, "broken" if run == 1 else "passed") for run in range(1, 21)]
    assert contradictions(structs.replace(found, runs=20, outcomes=one)) == []
    two = [*one, outcome(2, 0.0, "broken")]
    (text,) = contradictions(structs.replace(found, runs=20, outcomes=two))
    assert "2 of 20 runs had a false alarm, where at most 0.5 % should" in text
    silent = [outcome(run, 0.05, "passed", 0.06) for run in (1, 2)]
    (text,) = contradictions(structs.replace(found, outcomes=silent))
    assert "2 of 2 cells that were slower passed" in text
    smaller = [outcome(run, 0.05, "passed", 0.047) for run in (1, 2)]  # it may pass
    assert contradictions(structs.replace(found, outcomes=smaller)) == []
    assert "false alarm: cell 2 in run 2" in "\n".join(
        lines(structs.replace(found, runs=20, outcomes=two))
    )


def test_the_chart_has_the_played_cells_and_the_curve(found: SelftestResult) -> None:
    chart = selftest_chart(found)
    (panel,) = chart.body.panels
    assert panel.title == "on one core"
    labels = [row.label for row in chart.body.rows]
    at = labels.index("slower by 5 %")
    assert panel.dots[at][0].median == 1.0
    assert panel.dots[at][1].median > 0.9
    assert panel.dots[labels.index("equal arms")][0].median == 0.0
    drawn = draw(chart)
    assert drawn.png.startswith(b"\x89PNG")
    assert b"slower by 5 %" in drawn.svg
