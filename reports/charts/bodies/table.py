"""The figures of a chart as text."""

from __future__ import annotations

from dataclasses import dataclass

ABSENT = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Table:
    """A head, and rows that have a text for each column of it."""

    head: list[str]
    rows: list[list[str]]


def with_panels(several: bool, head: list[str], rows: list[list[str]]) -> Table:
    """Make a table; the first text of each row is the title of its panel, where it has several."""
    if several:
        return Table(["panel", *head], rows)
    return Table(head, [row[1:] for row in rows])


def joined(*parts: str) -> str:
    """Join the parts of a marker's name that say something."""
    return ", ".join(part for part in parts if part)


def noted(text: str, note: str) -> str:
    """Append what must be known of a value: `4.90 µs (4.80-5.10); two modes`."""
    return f"{text}; {note}" if note else text
