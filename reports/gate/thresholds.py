"""The file of promises: reading, validation, and the selection of cells.

Each promise in `thresholds.toml` bounds the ratio of two cells of one run: a
ratio stays valid on other hardware where a time does not.
`ipcbench.reports.gate.judge` checks the promises.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec

from ipcbench.bench.decisions.promises.looks import PromisedRatio
from ipcbench.bench.results.axes import BLOCK, HOT, PAYLOADS, WAITS
from ipcbench.bench.results.cell import Cell, present_name
from ipcbench.bench.results.pace import CLOSED, parse_pace
from ipcbench.bench.results.units import format_size, parse_size
from ipcbench.bench.results.untrusted import one_line, parse_toml, read_toml

LONGEST_NAME = 120
LONGEST_MESSAGE = 600
LARGEST_RATIO = 1e6

Axes: TypeAlias = Mapping[str, str | int | bool | None]


class BadThresholds(ValueError):
    """The file is invalid, or does not fit this run; the message is one line."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message, LONGEST_MESSAGE))


@dataclass(frozen=True, slots=True)
class Promise:
    """`at_least <= time(than) / time(faster) <= at_most`; at least one bound is given.

    `faster` and `than` map axes of a cell to values; `where` belongs to both.
    """

    name: str
    faster: Axes
    than: Axes
    where: Axes
    at_least: float | None
    at_most: float | None

    @property
    def bound(self) -> str:
        """The bounds as text."""
        parts = []
        if self.at_least is not None:
            parts.append(f"at least {times(self.at_least)}")
        if self.at_most is not None:
            parts.append(f"at most {times(self.at_most)}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The promises of a file."""

    path: Path
    promises: tuple[Promise, ...]


# The format of the file.


class _Selector(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    transport: str | None = None
    pattern: str | None = None
    size: str | int | None = None
    processes: int | None = None
    placement: str | None = None
    runtime: str | None = None
    depth: str | int | None = None
    wait: str | None = None
    looks: str | int | None = None
    batch: int | None = None
    payload: str | None = None
    pace: str | None = None
    twin: bool | None = None
    slowed: int | None = None


class _Promise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    faster: _Selector
    than: _Selector
    where: _Selector = _Selector()
    at_least: str | int | float | None = None
    at_most: str | int | float | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    promise: list[_Promise]


_INSTEAD = ': write wait = "poll" for true, wait = "block" for false'
AXES = _Selector.__struct_fields__
_OWN_NUMBERS = ("depth", "looks")  # a transport has its own where none is asked for
_DEFAULTS: Axes = {
    "wait": BLOCK, "looks": None, "batch": 1, "payload": HOT, "pace": CLOSED, "twin": False,
    "slowed": 0,
}  # fmt: skip


def load_thresholds(path: Path) -> Thresholds:
    """Read a file of promises.

    Raises: BadThresholds, also where the file is missing or cannot be read.
    """
    try:
        written = msgspec.convert(parse_toml(read_toml(path)), _File)
    except OSError as error:
        raise BadThresholds(f"{path}: {error.strerror or error}") from error
    except RecursionError as error:
        raise BadThresholds(f"{path}: nested too deep") from error
    except ValueError as error:  # no UTF-8, no TOML, a wrong type, an unknown key
        instead = _INSTEAD if "unknown field `poll`" in str(error) else ""
        raise BadThresholds(f"{path}: {error}{instead}") from error
    try:
        promises = tuple(map(_promise, written.promise))
    except ValueError as error:
        raise BadThresholds(f"{path}: {error}") from error
    twice = [name for name, n in Counter(p.name for p in promises).items() if n > 1]
    if twice:
        raise BadThresholds(f"{path}: two promises are named {twice[0]!r}")
    if not promises:
        raise BadThresholds(f"{path}: no promise: write one as [[promise]]")
    return Thresholds(path, promises)


def _promise(written: _Promise) -> Promise:
    name = written.name
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(
            f"promise {name[:LONGEST_NAME]!r}: a name is 1 to {LONGEST_NAME} printable characters"
        )
    try:
        sides = [_axes(side) for side in (written.faster, written.than, written.where)]
        faster, than, where = sides
        for side, axes in (("faster", faster), ("than", than)):
            if both := [axis for axis in axes if axis in where]:
                raise ValueError(f"{both[0]} is both in `where` and in `{side}`: write it once")
        at_least = _ratio("at_least", written.at_least)
        at_most = _ratio("at_most", written.at_most)
        if at_least is None and at_most is None:
            raise ValueError('no bound: write at_least = "1.5x", or at_most, or both')
        if at_least is not None and at_most is not None and at_least > at_most:
            raise ValueError("at_least is larger than at_most")
    except ValueError as error:
        raise ValueError(f"promise {name!r}: {error}") from error
    return Promise(name, faster, than, where, at_least, at_most)


def _axes(side: _Selector) -> dict[str, str | int | bool | None]:
    axes = {axis: value for axis in AXES if (value := getattr(side, axis)) is not None}
    if "size" in axes:
        axes["size"] = _size(axes["size"])
    if axes.get("wait", BLOCK) not in WAITS:
        raise ValueError(f"wait = {axes['wait']!r}: there are {', '.join(WAITS)}")
    if axes.get("payload", HOT) not in PAYLOADS:
        raise ValueError(f"payload = {axes['payload']!r}: there are {', '.join(PAYLOADS)}")
    if axes.get("batch", 1) < 1:
        raise ValueError(f"batch = {axes['batch']}: write 1 or more")
    if axes.get("slowed", 0) < 0:
        raise ValueError(f"slowed = {axes['slowed']}: write 0 or more")
    if "pace" in axes:
        axes["pace"] = parse_pace(axes["pace"])
    if "processes" in axes and axes["processes"] < 1:
        raise ValueError(f"processes = {axes['processes']}: write 1 or more")
    for axis in _OWN_NUMBERS:
        if axis in axes:
            axes[axis] = _number(axis, axes[axis])
    return axes


def _number(axis: str, written: str | int) -> int | None:
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


def _ratio(key: str, written: str | float | None) -> float | None:
    if written is None:
        return None
    if isinstance(written, str):
        found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?x?", written.strip())
        if not found:
            raise ValueError(f'{key} = {written!r}: write a ratio as "1.5x"')
        written = float(found[1])
    if not 1 / LARGEST_RATIO <= written <= LARGEST_RATIO:  # a NaN, too
        raise ValueError(f"{key} = {written}: a ratio is between 0.000001 and 1000000")
    return float(written)


# Selection of cells.


def ratios(thresholds: Thresholds, cells: Iterable[Cell]) -> list[PromisedRatio]:
    """Return the promises with the ids of their cells, for a sweep of these alone.

    Raises: BadThresholds where a promise does not select exactly one cell a side.
    """
    pool = list(cells)
    found = ((promise, pair(thresholds, promise, pool)) for promise in thresholds.promises)
    return [
        PromisedRatio(promise.name, faster.id, than.id, promise.at_least, promise.at_most)
        for promise, (faster, than) in found
    ]


def select(thresholds: Thresholds, cells: Iterable[Cell]) -> set[str]:
    """Return the ids of the cells that the promises name.

    Raises: BadThresholds where a promise does not select exactly one cell a side.
    """
    return {cell for one in ratios(thresholds, cells) for cell in (one.faster, one.than)}


def pair(thresholds: Thresholds, promise: Promise, cells: list[Cell]) -> tuple[Cell, Cell]:
    """Return the two cells of a promise: the faster one, and the one it is compared with.

    Raises: BadThresholds where it does not select exactly one cell a side.
    """
    try:
        faster = _only(cells, "faster", promise.where, promise.faster)
        than = _only(cells, "than", promise.where, promise.than)
        if faster == than:
            raise ValueError(f"both sides are the same cell, {faster.id}")
        for axis in AXES:
            here, there = getattr(faster.present, axis), getattr(than.present, axis)
            meant = axis in promise.faster and axis in promise.than
            if here != there and not meant and axis not in _DEFAULTS:
                raise ValueError(
                    f"its sides differ in {axis} ({_value(axis, here)}, {_value(axis, there)}): "
                    f"write {axis} once in `where`, or in both sides if they are to differ"
                )
    except ValueError as error:
        raise BadThresholds(f"{thresholds.path}: promise {promise.name!r}: {error}") from error
    return faster, than


def _only(cells: list[Cell], side: str, where: Axes, own: Axes) -> Cell:
    """Return the one cell that has all these values.

    Raises: ValueError, with the values that exist.
    """
    wanted = _present({**_DEFAULTS, **where, **own})
    left = cells
    common: list[str] = []  # the values that all cells of `left` have, as written
    for axis, value in wanted.items():
        fitting = [cell for cell in left if getattr(cell.present, axis) == value]
        written = f"{axis} = {_value(axis, value)}"
        if not fitting:
            known = list(dict.fromkeys(_value(axis, getattr(cell.present, axis)) for cell in left))
            raise ValueError(
                f"`{side}` selects no cell of this run: nothing has {written}"
                f"{' with ' if common else ''}{', '.join(common)}; "
                f"there is {_some(known) or 'nothing at all'}"
            )
        left = fitting
        if axis in where or axis in own:
            common.append(written)
    if len(left) > 1:
        open_axes = [axis for axis in AXES if len({getattr(cell, axis) for cell in left}) > 1]
        raise ValueError(
            f"`{side}` selects {len(left)} cells of this run, write its {' and '.join(open_axes)} "
            f"too: {_some([cell.id for cell in left])}"
        )
    return left[0]


def _present(axes: Axes) -> dict[str, str | int | bool | None]:
    """Replace an alias by its transport and its way of waiting."""
    found = dict(axes)
    if "transport" in found:
        named = present_name(str(found["transport"]), str(found["wait"]))
        found["transport"], found["wait"] = named
    return found


def _value(axis: str, value: object) -> str:
    """Write a value as in the file."""
    if axis in _OWN_NUMBERS and value is None:
        return '"default"'
    if axis == "size" and isinstance(value, int):
        return f'"{format_size(value)}"'
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'


def _some(texts: list[str], most: int = 6) -> str:
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


# Text.


def times(ratio: float) -> str:
    """Format a ratio: 1.5 as `1.5x`, 1.8234 as `1.823x`, enough digits beside a close bound."""
    if ratio >= 1000:
        return f"{ratio:.0f}x"
    return (f"{ratio:.3f}".rstrip("0").rstrip(".") if 0.1 <= ratio < 10 else f"{ratio:.4g}") + "x"
