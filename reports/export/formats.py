"""Formats of rows: CSV, Markdown and JSON.

A journal may come from anyone, so a text must neither be a formula of a spreadsheet, nor break a
table, nor steer a terminal.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from ipcbench.bench.results.units import human_seconds
from ipcbench.bench.results.untrusted import one_line
from ipcbench.reports.export.rows import Row, Value

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # first characters that spreadsheets evaluate
LONGEST = 1000  # characters of a text
DIGITS = 4  # of a number in Markdown
FOR_PROGRAMS = {
    "cell",
    "control",
    "family",
    "tasks",
    "coverage",
    "runs",
    "void_runs",
    "statement",
    "band",
}  # names of columns that a table for people has no room for


def to_csv(rows: Sequence[Row]) -> str:
    """Write CSV as of RFC 4180, with a line of names; an absent figure is empty.

    A text that a spreadsheet would evaluate gets an apostrophe in front of it.
    """
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _field(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _field(value: Value) -> Value:
    if not isinstance(value, str):
        return value
    line = one_line(value, LONGEST)
    return f"'{line}" if line.startswith(FORMULA) else line


def to_markdown(rows: Sequence[Row]) -> str:
    """Write a table for people: the columns that differ; what all rows share stands above it."""
    columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    shown = {
        name: values
        for name, values in columns.items()
        if set(values) - {None, ""} and name not in FOR_PROGRAMS
    }
    alike = [name for name, values in shown.items() if len(rows) > 1 and len(set(values)) == 1]
    names = [name for name in shown if name not in alike]
    shared = ", ".join(f"{_title(name)}: {_cell(name, shown[name][0])}" for name in alike)
    lines = [shared, ""] if shared else []
    if names:
        lines += [_line(map(_title, names)), _line(["---"] * len(names))]
        lines += [_line(_cell(name, row[name]) for name in names) for row in rows]
    return "".join(f"{line}\n" for line in lines)


def _title(name: str) -> str:
    return {"seconds": "time", "seconds_low": "from", "seconds_high": "to"}.get(
        name, name.removesuffix("_seconds").replace("_", " ")
    )


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(name: str, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and "seconds" in name:
        return human_seconds(value)
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}"
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", one_line(str(value), LONGEST))


def to_json(rows: Sequence[Row]) -> str:
    """Write a list of objects; characters outside of ASCII are escaped."""
    return json.dumps(rows, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


FORMATS: Mapping[str, Callable[[Sequence[Row]], str]] = {
    "csv": to_csv,
    "markdown": to_markdown,
    "json": to_json,
}
"""Name of a format, as people type it -> the function that writes it."""
