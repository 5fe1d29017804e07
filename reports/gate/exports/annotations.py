"""The report of a gate as annotations of GitHub: workflow commands on standard output.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from ipcbench.bench.results.untrusted import one_line
from ipcbench.reports.gate.exports.phrases import LONGEST, asides, figures, headline, name, texts
from ipcbench.reports.gate.report import GateLine, GateReport, GateVerdict

_LEVELS = {
    GateVerdict.BROKEN: "error",
    GateVerdict.NOT_MEASURED: "error",
    GateVerdict.INCONCLUSIVE: "warning",
}
_OF_EXIT = {0: "notice", 1: "error", 2: "warning", 3: "error"}


def to_annotations(report: GateReport) -> str:
    """Write a command for the whole, and one for each line that is not good, the worst first.

    GitHub shows ten errors and ten warnings of a step: the first one has all counts.
    """
    about = " ".join((f"{headline(report)}.", *asides(report)[:1]))
    found = [_command(_OF_EXIT[report.exit_code], "ipcbench", about, report)]
    for verdict in report.counts:
        found += [_of(line, report) for line in report.of(verdict) if not verdict.good]
    return "".join(f"{one}\n" for one in found)


def _of(line: GateLine, report: GateReport) -> str:
    level = "warning" if line.advisory else _LEVELS[line.verdict]
    said = "; ".join(filter(None, (figures(line), *texts(line))))
    return _command(level, f"{line.verdict.value}: {name(line)}", said, report)


def _command(level: str, title: str, message: str, report: GateReport) -> str:
    values = {"title": title, "file": report.thresholds}
    given = ",".join(f"{key}={_property(value)}" for key, value in values.items() if value)
    return f"::{level} {given}::{_data(message)}"


def _data(text: str) -> str:
    """Escape the message as the toolkit of GitHub does; `one_line` has taken the line ends."""
    return one_line(text, 2 * LONGEST).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
