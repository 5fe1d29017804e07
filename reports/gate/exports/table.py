"""The report of a gate for a terminal: the verdict first, then what is to be done."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from ipcbench.bench.results.untrusted import one_line
from ipcbench.reports.gate.exports.phrases import (
    LONGEST,
    arms_of,
    asides,
    asides_of,
    change,
    common_bound,
    effect_of,
    headline,
    interval,
    machine_of,
    name,
    sides_of,
    texts,
    trials,
)
from ipcbench.reports.gate.report import GateLine, GateReport, GateVerdict

WIDTH = 80  # columns; a name or a command that is longer is not divided
_COMMAND = re.compile(r"(?<=:) (ipcbench [a-z][^;]*)")


def to_table(report: GateReport) -> str:
    """Write the report in lines of 80 columns, as far as names permit."""
    bound = common_bound(report)
    title = f"{one_line(report.title, LONGEST)}{f'; bound: {bound}' if bound else ''}"
    lines = [headline(report), *_wrapped(title, "")]
    for verdict in report.counts:
        lines += ["", verdict.value]
        found = report.of(verdict)
        lines += _rows(found) if verdict.good else _explained(found, bound)
    for text in asides(report):
        lines += ["", *_wrapped(text, "")]
    about = [*arms_of(report), machine_of(report)]
    if any(about):
        lines.append("")
        lines += [line for text in filter(None, about) for line in _wrapped(text, "")]
    return "".join(f"{_inert(line)}\n" for line in lines)


def _explained(found: Sequence[GateLine], bound: str) -> Iterator[str]:
    """Write lines that are not good, and below them the commands that decide them, each once."""
    for line in found:
        yield f"  {name(line)}"
        own = "" if bound or not line.bound else f"bound: {one_line(line.bound, LONGEST)}"
        effect = effect_of(line)
        first = "; ".join(filter(None, (effect, own, trials(line) if effect else "")))
        reason = one_line(line.reason, LONGEST)
        for text in (first, *sides_of(line), reason, *asides_of(line)):
            yield from _wrapped(text, "    ")
    remedies = dict.fromkeys(one_line(line.remedy, LONGEST) for line in found if line.remedy)
    if remedies:
        yield "  to decide them:" if len(found) > 1 else "  to decide it:"
        yield from (f"    {remedy}" for remedy in remedies)


def _rows(found: Sequence[GateLine]) -> Iterator[str]:
    """Write a row for each line, its name last, and its remarks below it."""
    table = [
        (
            change(line),
            interval(line.effect, line.measure),
            trials(line) if line.verdict is not GateVerdict.NOT_APPLICABLE else "",
            name(line),
        )
        for line in found
    ]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    told = [texts(line) for line in found]
    for number, row in enumerate(table):
        columns = [text.rjust(width) for text, width in zip(row, widths, strict=False) if width]
        yield "  ".join(["", *columns, row[-1]])
        if number + 1 < len(table) and told[number] == told[number + 1]:
            continue  # what several rows have in common stands below the last of them
        for text in told[number]:
            yield from _wrapped(text, "    ")


def _wrapped(text: str, indent: str) -> list[str]:
    """Wrap a text; a command in it has a line of its own, and is not divided."""
    lines: list[str] = []
    for part in _COMMAND.split(text):
        if part.startswith("ipcbench "):
            lines.append(f"{indent}  {part}")
        else:
            lines += textwrap.wrap(
                part.removeprefix("; "), WIDTH, initial_indent=indent, subsequent_indent=indent,
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
    return lines


def _inert(line: str) -> str:
    """Make a line no command of a CI runner: GitHub obeys `::error::` and `##[error]` in a log."""
    text = line.replace("##[", "# #[")
    return text.replace("::", ": :", 1) if text.lstrip().startswith("::") else text
