"""Labels of the cells of tables, by which a narrow screen shows each row as a card.

A table of the class `cards` has the title of its column in the attribute `data-label` of each cell:
style/phone.css writes it before the cell's text. A cell may have a table of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r"<(/?)(table|thead|tr|td|th)\b([^>]*)>")
_HEAD = re.compile(r"\s*<thead>(.*?)</thead>", re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<t[hd]\b([^>]*)>(.*?)</t[hd]>", re.DOTALL)
_CARDS = re.compile(r'class="(?:[^"]* )?cards\b')
_UNLABELLED = re.compile(r'\bdata-label=|class="(?:[^"]* )?empty\b')  # an empty cell is hidden
_SPAN = re.compile(r'\b(col|row)span="(\d{1,3})"')
_TAG = re.compile(r"<[^>]*>")
_SUB = re.compile(r'<span class="sub">.*?</span>')


@dataclass(slots=True)
class _Open:
    """A table that is open: its titles, and the position in it."""

    titles: Sequence[str]
    column: int = 0
    in_head: bool = False


def labelled(page: str) -> str:
    """Label the cells of all tables of cards. A cell that has a label keeps it."""
    return "".join(_pieces(page))


def _pieces(page: str) -> Iterator[str]:
    tables: list[_Open] = []
    last = 0
    for found in _TOKEN.finditer(page):
        ends, kind, attributes = found[1] == "/", found[2], found[3]
        if kind == "table" and not ends:
            tables.append(_Open(_titles_behind(page, found.end(), attributes)))
        elif not tables:
            continue
        elif kind == "table":
            tables.pop()
        elif kind == "thead":
            tables[-1].in_head = not ends
        elif kind == "tr":
            tables[-1].column = 0
        elif not ends and not tables[-1].in_head:
            label = _label(tables[-1], kind, attributes)
            if label:
                yield page[last : found.end() - 1]
                yield label
                last = found.end()
            tables[-1].column += _spans(attributes).get("col", 1)
    yield page[last:]


def _titles_behind(page: str, start: int, attributes: str) -> Sequence[str]:
    """Return the titles of a table of cards, and none of any other."""
    head = _HEAD.match(page, start) if _CARDS.search(attributes) else None
    return titles_of(head[1]) if head else ()


def _label(table: _Open, kind: str, attributes: str) -> str:
    """Return the attribute with the end of its tag; "" for a cell without one, or a whole row."""
    if _spans(attributes).get("col", 1) == len(table.titles):
        return ""
    title = table.titles[table.column] if table.column < len(table.titles) else ""
    if kind != "td" or not title or _UNLABELLED.search(attributes):
        return ""
    quoted = title.replace('"', "&#34;")
    return f' data-label="{quoted}">'


def titles_of(head: str) -> list[str]:
    """Return the title of each column; of several rows of heads, one behind the other."""
    columns: dict[int, list[str]] = {}
    taken: set[tuple[int, int]] = set()
    for line, row in enumerate(_ROW.findall(head)):
        column = 0
        for attributes, content in _CELL.findall(row):
            while (line, column) in taken:
                column += 1
            spans = _spans(attributes)
            for down in range(spans.get("row", 1)):
                for across in range(spans.get("col", 1)):
                    taken.add((line + down, column + across))
            for across in range(spans.get("col", 1)):
                columns.setdefault(column + across, []).append(_text(content))
            column += spans.get("col", 1)
    return [", ".join(filter(None, columns.get(number, []))) for number in range(len(columns))]


def _spans(attributes: str) -> dict[str, int]:
    return {name: int(number) for name, number in _SPAN.findall(attributes)}


def _text(content: str) -> str:
    return " ".join(_TAG.sub(" ", _SUB.sub("", content)).split())
