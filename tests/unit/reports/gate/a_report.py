"""Reports of a gate for the tests of the formats."""

from __future__ import annotations

from ipcbench.reports.gate.report import (
    ArmLine,
    GateLine,
    GateReport,
    GateVerdict,
    Interval,
    Measure,
    Side,
    exit_code,
)
from tests import synthetic

CELL = "latency/{}/python/64B/2p/same-core"

HOSTILE = (
    "::error::red", "##[error]red", "%0A::error::red", "a|b", "a\\|b", "`tick`", "**bold**",
    "<script>alert(1)</script>", "<!--", "]]>", "&amp;", '"quoted"', "![x](https://evil.example)",
    "@everyone", "see #1", "owner/repo#1", "https://evil.example", "www.evil.example", "GH-1",
    "a\nb", "a\r\nb", "\x1b[2J", "\x00", "\u202eabc", "\ud800", "\ufffe", "$x$", "~~x~~", "", " ",
    "title=x,line=1::y", "</details>", "\\", "|", "`", "*", "\t", "- x", "1. x", "# x", "|---|",
    "    x",
)  # fmt: skip


def a_line(
    cell: str,
    verdict: GateVerdict,
    ratio: float = 1.0,
    *,
    reason: str = "",
    advisory: bool = False,
) -> GateLine:
    return GateLine(
        name=cell,
        verdict=verdict,
        measure=Measure.CHANGE,
        sides=[
            Side(name="base", cell=cell, seconds=2.68e-6),
            Side(name="head", cell=cell, seconds=2.68e-6 * ratio),
        ],
        effect=Interval(ratio=ratio, low=ratio * 0.98, high=ratio * 1.02),
        coverage=0.995,
        bound="slower by less than 5 %",
        count=9,
        counted="pairs",
        per="round trip",
        reason=reason,
        order=Interval(ratio=1.002, low=0.99, high=1.01),
        advisory=advisory,
    )


def report_of(*lines: GateLine, **more: str) -> GateReport:
    texts = {
        "title": "rev:main against this version",
        "source": "results/gate",
        "thresholds": "thresholds.toml",
        "could_see": "This machine's gate could have seen 4 % on one core.",
        **more,
    }
    return GateReport(
        **texts,
        lines=lines,
        noun="cell",
        exit_code=exit_code(lines),
        order=Interval(ratio=1.002, low=0.998, high=1.006),
        notes=["3 pairs were void and retaken."],
        arms=[
            ArmLine(name="base", spec="rev:main", described="1a2b3c4 pipe: read into a buffer"),
            ArmLine(name="head", spec="here", described="this version"),
        ],
        machine=synthetic.machine(),
        spent=75.0,
    )


def a_report() -> GateReport:
    return report_of(
        a_line(CELL.format("pipe"), GateVerdict.PASSED, 1.002),
        a_line(CELL.format("fifo"), GateVerdict.BROKEN, 1.123),
        a_line(
            CELL.format("tcp"), GateVerdict.INCONCLUSIVE, 1.03,
            reason="300 pairs do not decide it: measure on an idle machine",
        ),
    )  # fmt: skip


def hostile(text: str) -> GateReport:
    """Make a report each of whose texts is this one."""
    lines = [
        GateLine(
            name=text,
            verdict=verdict,
            measure=Measure.CHANGE,
            sides=[Side(name="base", cell=text, seconds=1e-6)],
            bound=text,
            per=text,
            reason=text,
            remedy=text,
            remarks=[text],
            why=text,
        )
        for verdict in GateVerdict
    ]
    machine = synthetic.machine()
    return GateReport(
        title=text,
        source=text,
        lines=lines,
        exit_code=1,
        thresholds=text,
        could_see=text,
        notes=[text],
        arms=[ArmLine(name="base", spec=text, described=text)],
        machine=type(machine)(
            **{
                **{key: getattr(machine, key) for key in machine.__struct_fields__},
                "cpu_model": text,
                "python": text,
            }
        ),
    )
