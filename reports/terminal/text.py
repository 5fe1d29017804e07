"""Plain text for a terminal of 80 columns: columns, and lines that are never longer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

WIDTH = 80
GAP, CUT = "  ", "…"
_UNIT = re.compile(r"(?<=\d) (?=(?:%|[nµm]?s|[KMG]?i?B)(?![a-z]))")
_KEPT = "\N{NO-BREAK SPACE}"


def columns(rows: Sequence[Sequence[str]], *, right: int = 1, cut: int = 0) -> list[str]:
    """Align texts in columns, the last `right` ones to the right.

    Where a line would be longer than the terminal, the column `cut` is cut.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    first = len(widths) - right
    gaps = ["", *(GAP if index <= first else " " for index in range(1, len(widths)))]
    over = sum(widths) + sum(map(len, gaps)) - WIDTH
    if over > 0:
        widths[cut] = max(widths[cut] - over, 1)
    return [
        "".join(
            gap + (_cut(text, width).ljust(width) if index < first else text.rjust(width))
            for index, (gap, text, width) in enumerate(zip(gaps, row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _cut(text: str, width: int) -> str:
    """Cut a text in its middle: its end often tells it apart, as `, in place` does."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}{CUT}{text[len(text) - tail :]}"


def wrapped(text: str, indent: str = "") -> list[str]:
    """Break a text into lines; the lines behind the first one are indented.

    No line ends between a number and its unit.
    """
    kept = _UNIT.sub(_KEPT, text)
    lines = wrap(kept, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
    return [line.replace(_KEPT, " ") for line in lines]
