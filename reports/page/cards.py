"""Labels of the cells of tables, by which a narrow screen shows each row as a card.

A table of the class `cards` has the title of its column in the attribute `data-label` of each cell:
style/phone.css writes it before the cell's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_TABLE = re.compile(r'<table class="[^"]*\bcards\b.*?</table>', re.DOTALL)
_HEAD = re.compile(r"<thead>(.*?)</thead>", re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<t([hd])\b([^>]*)>(.*?)</t\1>", re.DOTALL)
_START = re.compile(r"<(tr|td|th|table)\b([^>]*)>|</table>")
_SPAN = re.compile(r'\b(col|row)span="(\d{1,3})"')
_TAG = re.compile(r"<[^>]*>")
_SUB = re.compile(r'<span class="sub">.*?</span>')
_UNLABELLED = re.compile(r'\bdata-label=|class="(?:[^"]* )?empty\b')  # an empty cell is hidden


def labelled(page: str) -> str:
    """Label the cells of all tables of cards. A cell that has a label keeps it."""
    return _TABLE.sub(lambda found: _labelled(found[0]), page)


def _labelled(table: str) -> str:
    head = _HEAD.search(table)
    if head is None:
        return table
    titles = titles_of(head[1])
    return table[: head.end()] + "".join(_body(table[head.end() :], titles))


def titles_of(head: str) -> list[str]:
    """Return the title of each column; of several rows of heads, one behind the other."""
    columns: dict[int, list[str]] = {}
    taken: set[tuple[int, int]] = set()
    for line, row in enumerate(_ROW.findall(head)):
        column = 0
        for _, attributes, content in _CELL.findall(row):
            while (line, column) in taken:
                column += 1
            spans = {name: int(number) for name, number in _SPAN.findall(attributes)}
            for down in range(spans.get("row", 1)):
                for across in range(spans.get("col", 1)):
                    taken.add((line + down, column + across))
            for across in range(spans.get("col", 1)):
                columns.setdefault(column + across, []).append(_text(content))
            column += spans.get("col", 1)
    return [", ".join(filter(None, columns.get(number, []))) for number in range(len(columns))]


def _text(content: str) -> str:
    return " ".join(_TAG.sub(" ", _SUB.sub("", content)).split())


def _body(body: str, titles: Sequence[str]) -> Iterator[str]:
    """Yield the body in pieces. A table inside a cell ends this one's labels: none has one."""
    column, last = 0, 0
    for found in _START.finditer(body):
        kind, attributes = found[1], found[2] or ""
        if kind == "tr":
            column = 0
        elif kind in ("td", "th"):
            title = titles[column] if column < len(titles) else ""
            if kind == "td" and title and not _UNLABELLED.search(attributes):
                yield body[last : found.end() - 1]
                yield f' data-label="{title.replace(chr(34), "&#34;")}">'
                last = found.end()
            spans = {name: int(number) for name, number in _SPAN.findall(attributes)}
            column += spans.get("col", 1)
    yield body[last:]
