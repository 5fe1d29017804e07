"""Axes of a cell as a thresholds file writes them: values, wildcards, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

import msgspec

from ipcbench.bench.results.axes import BLOCK, HOT, PAYLOADS, WAITS
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.pace import CLOSED, parse_pace
from ipcbench.bench.results.units import format_size, parse_size

LONGEST_PATTERN = 200  # characters
MOST_VALUES = 100  # of an axis

Value: TypeAlias = str | int | bool | None
Axes: TypeAlias = Mapping[str, Value]

AXES = tuple(field.name for field in msgspec.structs.fields(Cell))
TEXTS = ("transport", "pattern", "placement", "runtime", "wait", "payload", "pace")
OWN_NUMBERS = ("depth", "looks")  # a transport has its own where none is asked for
DEFAULTS: Axes = {
    "wait": BLOCK, "looks": None, "batch": 1, "payload": HOT, "pace": CLOSED, "twin": False,
    "slowed": 0,
}  # fmt: skip
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern of values: fnmatch(3) of a text, or `*`, which is any value."""

    pattern: str

    def fits(self, value: Value) -> bool:
        return self.pattern == _ANY or (isinstance(value, str) and fnmatchcase(value, self.pattern))


# Axis -> the values and patterns that a cell may have there.
Choice: TypeAlias = Mapping[str, Sequence[Value | Glob]]


def value_of(axis: str, written: str | int | bool) -> Value:
    """Return a value from a file. Raises: ValueError."""
    if axis in TEXTS:
        return _text(axis, written)
    if axis == "size":
        return _size(written)
    if axis in OWN_NUMBERS:
        return _own_number(axis, written)
    if isinstance(written, str):
        raise ValueError(f"{axis} = {written!r}: write a number")
    if axis in ("batch", "processes") and written < 1:
        raise ValueError(f"{axis} = {written}: write 1 or more")
    if axis == "slowed" and written < 0:
        raise ValueError(f"{axis} = {written}: write 0 or more")
    return written


def choice_of(axis: str, written: str | int | bool | list[str | int]) -> tuple[Value | Glob, ...]:
    """Return the values and patterns that a file gives for an axis. Raises: ValueError."""
    if not isinstance(written, list):
        return (_value_or_glob(axis, written),)
    if not 0 < len(written) <= MOST_VALUES:
        raise ValueError(f"{axis} has {len(written)} values: write 1 to {MOST_VALUES}")
    return tuple(dict.fromkeys(_value_or_glob(axis, each) for each in written))


def _value_or_glob(axis: str, written: str | int | bool) -> Value | Glob:
    if not isinstance(written, str) or not any(mark in written for mark in "*?["):
        return value_of(axis, written)
    if len(written) > LONGEST_PATTERN:
        raise ValueError(f"{axis}: a pattern has {LONGEST_PATTERN} characters at most")
    if axis not in TEXTS and written != _ANY:
        raise ValueError(f'{axis} = {written!r}: write numbers, or "{_ANY}" for any')
    return Glob(written)


def _text(axis: str, written: str | int | bool) -> str:
    if not isinstance(written, str):
        raise ValueError(f"{axis} = {written!r}: write a text")
    if axis == "wait" and written not in WAITS:
        raise ValueError(f"wait = {written!r}: there are {', '.join(WAITS)}")
    if axis == "payload" and written not in PAYLOADS:
        raise ValueError(f"payload = {written!r}: there are {', '.join(PAYLOADS)}")
    return parse_pace(written) if axis == "pace" else written


def _own_number(axis: str, written: str | int) -> int | None:
    """Return a number that a transport may choose: None for "default"."""
    if isinstance(written, str) and written != "default":
        raise ValueError(f'{axis} = {written!r}: write a number, or "default"')
    if not isinstance(written, str) and written < 1:
        raise ValueError(f"{axis} = {written}: write 1 or more")
    return None if isinstance(written, str) else written


def _size(written: str | int) -> int:
    if isinstance(written, str):
        return parse_size(written)
    if written < 0:
        raise ValueError(f"size = {written}: a size is not negative")
    return written


# Text.


def shown(axis: str, value: object) -> str:
    """Write a value as in the file."""
    if isinstance(value, Glob):
        return f'"{value.pattern}"'
    if axis in OWN_NUMBERS and value is None:
        return '"default"'
    if axis == "size" and isinstance(value, int):
        return f'"{format_size(value)}"'
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'


def some(texts: Sequence[str], most: int = 6) -> str:
    """List texts, the first few of many."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def known(axis: str, cells: Iterable[Cell]) -> str:
    """List the values of an axis that cells have."""
    values = dict.fromkeys(shown(axis, getattr(cell, axis)) for cell in cells)
    return some(list(values)) or "nothing at all"
