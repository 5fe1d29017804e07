"""The report of a gate for programs; docs/format.md describes its keys."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from ipcbench.reports.gate.exports.phrases import OF_EXIT
from ipcbench.reports.gate.report import GateReport, GateVerdict

SCHEMA = 1


def to_data(report: GateReport) -> dict[str, Any]:
    """Convert a report to plain dicts, lists, strings and numbers."""
    counts = report.counts
    return {
        "schema": SCHEMA,
        "verdict": OF_EXIT[report.exit_code].value,
        "counts": {verdict.value: counts.get(verdict, 0) for verdict in GateVerdict},
        **msgspec.to_builtins(report),
    }


def to_json(report: GateReport) -> str:
    """Write one object; characters outside of ASCII are escaped."""
    return json.dumps(to_data(report), indent=2, ensure_ascii=True, allow_nan=False) + "\n"
