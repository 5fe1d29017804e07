"""The report of a gate as JUnit XML: a test case for each line.

Broken is a failure, and not measured an error. Inconclusive is skipped: it is no result, neither
a good one nor a bad one; the exit code of the command keeps it from passing.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ipcbench.bench.results.untrusted import one_line
from ipcbench.reports.gate.exports.phrases import (
    LONGEST,
    arms_of,
    asides,
    figures,
    headline,
    machine_of,
    name,
    seconds_of,
    texts,
)
from ipcbench.reports.gate.report import GateLine, GateReport, GateVerdict

_ELEMENTS = {
    GateVerdict.BROKEN: "failure",
    GateVerdict.NOT_MEASURED: "error",
    GateVerdict.INCONCLUSIVE: "skipped",
    GateVerdict.NOT_APPLICABLE: "skipped",
}


def to_junit(report: GateReport) -> str:
    """Write XML that GitHub actions, GitLab and Jenkins read."""
    cases = [_case(report, line) for line in report.lines]
    kinds = [_element(line) for line in report.lines]
    numbers = {
        "tests": str(len(cases)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": f"{report.spent or 0.0:.3f}",
    }
    root = Element("testsuites", {"name": "ipcbench", **numbers})
    suite = SubElement(root, "testsuite", {"name": f"ipcbench {report.noun}s", **numbers})
    arms = {f"arm {text.partition(':')[0]}": text for text in arms_of(report)}
    _properties(
        suite,
        {
            "title": report.title,
            "source": report.source,
            "thresholds": report.thresholds,
            "exit code": str(report.exit_code),
            "machine": machine_of(report),
            **arms,
        },
    )
    suite.extend(cases)
    SubElement(suite, "system-out").text = _lines([headline(report), *asides(report)])
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def _element(line: GateLine) -> str:
    """Return the name of the element that a case has; "" where it passes."""
    if line.advisory and line.verdict is GateVerdict.BROKEN:
        return "skipped"
    return _ELEMENTS.get(line.verdict, "")


def _case(report: GateReport, line: GateLine) -> Element:
    case = Element("testcase", {"classname": f"ipcbench.{report.noun}", "name": name(line)})
    effect = line.effect
    _properties(
        case,
        {
            "verdict": line.verdict.value,
            "measure": line.measure.value,
            "bound": line.bound,
            line.counted: str(line.count),
            **{f"cell {side.name}": side.cell for side in line.sides},
            **{f"seconds {one.name}": _number(one.seconds) for one in line.sides},
            "ratio": _number(effect.ratio if effect else None),
            "low": _number(effect.low if effect else None),
            "high": _number(effect.high if effect else None),
            "coverage": _number(line.coverage),
        },
    )
    told = [*texts(line), figures(line), seconds_of(line)]
    element = _element(line)
    if element:
        first = "; ".join(filter(None, (figures(line), *texts(line)[:1])))
        message = one_line(f"{line.verdict.value}: {first}", LONGEST)
        found = SubElement(case, element, type=line.verdict.value, message=message)
        found.text = _lines(told)
    else:
        SubElement(case, "system-out").text = _lines(told)
    return case


def _properties(parent: Element, values: dict[str, str]) -> None:
    properties = SubElement(parent, "properties")
    for key, value in values.items():
        if value:
            SubElement(properties, "property", name=one_line(key), value=one_line(value, LONGEST))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _lines(found: Iterable[str]) -> str:
    """Join texts, each free of the control characters that XML 1.0 excludes."""
    return "\n".join(one_line(text, LONGEST) for text in found if text)
