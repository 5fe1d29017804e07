"""Tables of lists on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ipcbench.bench.commands.output import console

NARROW = 120  # columns of a terminal below which a table leaves out its less important columns
Cells = Sequence[str | tuple[str, str]]


def is_narrow() -> bool:
    """Tell whether a table has less room than its columns take."""
    return console().width < NARROW


def print_table(headings: Sequence[str], rows: Iterable[Cells]) -> None:
    """Print columns of texts, each a text or (text, style)."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", no_wrap=number == 0 and not is_narrow())
    for row in rows:
        styled = ((one, "") if isinstance(one, str) else one for one in row)
        table.add_row(*(Text(text, style=style) for text, style in styled))
    console().print(table)


def print_note(text: str) -> None:
    """Print a sentence below a table."""
    from rich.text import Text

    console().print(Text(text))
