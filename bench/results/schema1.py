"""Journals of older versions, read as if they had been written with the present schema.

Schema 1 knew one way of waiting beside a transport's own, the axis `poll`, and no pace; the
placement without idle states was called `cross-core-polled`. An id is made of the axes, so
every line that names a cell is translated. With schema 2 as well, a run had a field `steal`,
which the line of its round has now.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from ipcbench.bench.results.axes import BLOCK, CROSS_CORE_AWAKE, POLL, PYTHON, SPIN, SPIN_BLOCK
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.entries.bounds import Number
from ipcbench.bench.results.records import (
    AnyEntry,
    Calibrated,
    Ended,
    Failed,
    Header,
    PlannedEntry,
    Resumed,
    Round,
    Run,
    Skipped,
)

SCHEMA_1 = 1
_PLACEMENTS = {"cross-core-polled": CROSS_CORE_AWAKE}
_WAITS = {
    "blocking": BLOCK,
    "poll, then read": POLL,
    "spinning": SPIN,
    "spin, then block": SPIN_BLOCK,
}


class _Run(Run, kw_only=True, tag="run"):
    """A run with the field `steal`, which a line of the round has instead."""

    steal: Number = 0.0

    def now(self) -> Run:
        """Return the run without it."""
        return Run(**{name: getattr(self, name) for name in Run.__struct_fields__})


class _Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cell as schema 1 had it."""

    transport: str
    pattern: str
    size: int
    processes: int = 2
    placement: str
    runtime: str = PYTHON
    depth: int | None = None
    poll: bool = False
    twin: bool = False

    @property
    def now(self) -> Cell:
        """Return the cell with the present axes. Raises: ValueError."""
        axes: dict[str, Any] = msgspec.structs.asdict(self)
        axes["wait"] = POLL if axes.pop("poll") else BLOCK
        axes["placement"] = _PLACEMENTS.get(self.placement, self.placement)
        return Cell(**axes)

    @property
    def id(self) -> str:
        """Return the id that schema 1 gave this cell."""
        depth = "" if self.depth is None else f"/depth{self.depth}"
        return (
            f"{self.pattern}/{self.transport}/{self.runtime}/{self.size}B/{self.processes}p/"
            f"{self.placement}{depth}{'/poll' if self.poll else ''}{'~twin' if self.twin else ''}"
        )


class _Planned(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="cell"
):
    cell: _Cell
    facts: Facts


class _Skipped(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="skipped"
):
    cell: _Cell
    reason: str
    remedy: str


_Entry: TypeAlias = (
    Header | _Planned | _Skipped | Calibrated | _Run | Failed | Round | Resumed | Ended
)
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_Entry)


_Older: TypeAlias = (
    Header | PlannedEntry | Skipped | Calibrated | _Run | Failed | Round | Resumed | Ended
)
_present: msgspec.json.Decoder[AnyEntry] = msgspec.json.Decoder(AnyEntry)
_older: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_Older)


def decode_entry(data: bytes) -> AnyEntry:
    """Decode a line of this version, or of an older one.

    Raises: msgspec.DecodeError, UnicodeDecodeError, RecursionError.
    """
    try:
        return _present.decode(data)
    except msgspec.ValidationError:
        if b'"steal"' not in data:
            raise
        line: AnyEntry = _older.decode(data)
        return line.now() if isinstance(line, _Run) else line


class Translator:
    """The lines of one journal of schema 1, in their order."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}  # then -> now

    def decode(self, data: bytes) -> AnyEntry:
        """Return a line with the present axes and names.

        Raises: msgspec.DecodeError, UnicodeDecodeError, RecursionError.
        """
        line: Any = _decoder.decode(data)
        if isinstance(line, _Run):
            line = line.now()
        if isinstance(line, _Planned):
            wait = _WAITS.get(line.facts.wait, line.facts.wait)
            facts = msgspec.structs.replace(line.facts, wait=wait)
            return PlannedEntry(cell=self._translated(line.cell), facts=facts)
        if isinstance(line, _Skipped):
            cell = self._translated(line.cell)
            return Skipped(cell=cell, reason=line.reason, remedy=line.remedy)
        if isinstance(line, Calibrated | Run | Failed):
            line.cell = self._ids.get(line.cell, line.cell)
        found: AnyEntry = line
        return found

    def _translated(self, old: _Cell) -> Cell:
        try:
            cell = old.now
        except ValueError as error:
            raise msgspec.ValidationError(str(error)) from error
        self._ids[old.id] = cell.id
        return cell
