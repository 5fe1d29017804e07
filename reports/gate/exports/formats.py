"""All formats of the gate's report, by the names that people type."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ipcbench.reports.gate.exports.annotations import to_annotations
from ipcbench.reports.gate.exports.json import to_json
from ipcbench.reports.gate.exports.junit import to_junit
from ipcbench.reports.gate.exports.markdown import to_markdown
from ipcbench.reports.gate.exports.table import to_table
from ipcbench.reports.gate.report import GateReport

FORMATS: Mapping[str, Callable[[GateReport], str]] = {
    "table": to_table,
    "json": to_json,
    "junit": to_junit,
    "markdown": to_markdown,
    "annotations": to_annotations,
}
