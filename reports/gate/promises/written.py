"""The format of a thresholds file, and the promises that it makes."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from ipcbench.bench.results.units import parse_share
from ipcbench.reports.gate.promises.axes import AXES, Choice, choice_of, value_of
from ipcbench.reports.gate.promises.kinds import (
    BaselinePromise,
    ChangePromise,
    Promise,
    RatioPromise,
)

LONGEST_NAME = 120
LONGEST_REASON = 300
MOST_MACHINES = 50
LARGEST_RATIO = 1e6


class Selector(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Axes of one cell."""

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


class Cells(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Axes of several cells: values, patterns and lists of both."""

    transport: str | list[str] | None = None
    pattern: str | list[str] | None = None
    size: str | int | list[str | int] | None = None
    processes: str | int | list[str | int] | None = None
    placement: str | list[str] | None = None
    runtime: str | list[str] | None = None
    depth: str | int | list[str | int] | None = None
    wait: str | list[str] | None = None
    looks: str | int | list[str | int] | None = None
    batch: str | int | list[str | int] | None = None
    payload: str | list[str] | None = None
    pace: str | list[str] | None = None
    twin: bool | None = None
    slowed: int | None = None


class WrittenPromise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A promise as it is written: the keys of all kinds."""

    name: str
    faster: Selector | None = None
    than: Selector | None = None
    where: Selector | None = None
    at_least: str | int | float | None = None
    at_most: str | int | float | None = None
    cells: Cells | None = None
    slower_by_at_most: str | None = None
    of_baseline_at_most: str | int | float | None = None
    machines: list[str] | None = None
    reason: str = ""


class WrittenFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of promises."""

    promise: list[WrittenPromise]


_OF_RATIO = ("faster", "than", "where", "at_least", "at_most")
_OF_CELLS = ("cells", "slower_by_at_most", "of_baseline_at_most")
_KINDS = (
    "`faster`, `than` and `at_least` or `at_most` for a ratio within a run; `cells` and "
    "`slower_by_at_most` for a change; `cells` and `of_baseline_at_most` for a baseline"
)


def promise_of(written: WrittenPromise) -> Promise:
    """Check a promise. Raises: ValueError."""
    name = written.name
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(
            f"promise {name[:LONGEST_NAME]!r}: a name is 1 to {LONGEST_NAME} printable characters"
        )
    try:
        return _kind(written)(written)
    except ValueError as error:
        raise ValueError(f"promise {name!r}: {error}") from error


def _kind(written: WrittenPromise) -> Callable[[WrittenPromise], Promise]:
    """Tell the kind by the keys that are there. Raises: ValueError."""
    given = [key for key in (*_OF_RATIO, *_OF_CELLS) if getattr(written, key) is not None]
    ratio, cells = ([key for key in given if key in keys] for keys in (_OF_RATIO, _OF_CELLS))
    if ratio and cells:
        raise ValueError(f"`{ratio[0]}` and `{cells[0]}` are of different kinds: write {_KINDS}")
    if not cells:
        return _ratio_promise
    if written.cells is None:
        raise ValueError(f'`{cells[0]}` takes `cells`, as in cells = {{ transport = "pipe" }}')
    if len(cells) != 2:
        what = "no bound" if len(cells) == 1 else "two bounds"
        raise ValueError(f"{what}: write `slower_by_at_most` or `of_baseline_at_most`")
    return _change_promise if written.slower_by_at_most is not None else _baseline_promise


def _ratio_promise(written: WrittenPromise) -> RatioPromise:
    if written.faster is None or written.than is None:
        lacks = "faster" if written.faster is None else "than"
        raise ValueError(f"no `{lacks}`: write {_KINDS}")
    faster, than, where = map(_axes, (written.faster, written.than, written.where or Selector()))
    for side, axes in (("faster", faster), ("than", than)):
        if both := [axis for axis in axes if axis in where]:
            raise ValueError(f"{both[0]} is both in `where` and in `{side}`: write it once")
    at_least = None if written.at_least is None else _ratio("at_least", written.at_least)
    at_most = None if written.at_most is None else _ratio("at_most", written.at_most)
    if at_least is None and at_most is None:
        raise ValueError('no bound: write at_least = "1.5x", or at_most, or both')
    if at_least is not None and at_most is not None and at_least > at_most:
        raise ValueError("at_least is larger than at_most")
    return RatioPromise(*_about(written), faster, than, where, at_least, at_most)


def _change_promise(written: WrittenPromise) -> ChangePromise:
    assert written.cells is not None and written.slower_by_at_most is not None
    delta = _share("slower_by_at_most", written.slower_by_at_most)
    return ChangePromise(*_about(written), _choice(written.cells), delta)


def _baseline_promise(written: WrittenPromise) -> BaselinePromise:
    assert written.cells is not None and written.of_baseline_at_most is not None
    at_most = _ratio("of_baseline_at_most", written.of_baseline_at_most)
    return BaselinePromise(*_about(written), _choice(written.cells), at_most)


def _about(written: WrittenPromise) -> tuple[str, str, tuple[str, ...]]:
    """Return what all kinds have: the name, the reason, the machines. Raises: ValueError."""
    reason, machines = written.reason, written.machines
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise ValueError(f"reason: write {LONGEST_REASON} printable characters at most")
    if machines is None:
        return written.name, reason, ()
    if not 0 < len(machines) <= MOST_MACHINES:
        raise ValueError(
            f"machines has {len(machines)} entries: write 1 to {MOST_MACHINES} patterns of names "
            "of CPUs, or leave it out"
        )
    for each in machines:
        if not each.strip() or len(each) > LONGEST_NAME or not each.isprintable():
            raise ValueError(
                f"machines: {each[:LONGEST_NAME]!r} is no name of a CPU: write one as lscpu(1) "
                "shows it, or a pattern"
            )
    return written.name, reason, tuple(machines)


def _axes(side: Selector) -> dict[str, str | int | bool | None]:
    written = {axis: value for axis in AXES if (value := getattr(side, axis)) is not None}
    return {axis: value_of(axis, value) for axis, value in written.items()}


def _choice(cells: Cells) -> Choice:
    written = {axis: value for axis in AXES if (value := getattr(cells, axis)) is not None}
    return {axis: choice_of(axis, value) for axis, value in written.items()}


def _ratio(key: str, written: str | float) -> float:
    if isinstance(written, str):
        found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?x?", written.strip())
        if not found:
            raise ValueError(f'{key} = {written!r}: write a ratio as "1.5x"')
        written = float(found[1])
    if not 1 / LARGEST_RATIO <= written <= LARGEST_RATIO:  # a NaN, too
        raise ValueError(f"{key} = {written}: a ratio is between 0.000001 and 1000000")
    return float(written)


def _share(key: str, written: str) -> float:
    try:
        return parse_share(written)
    except ValueError as error:
        raise ValueError(f"{key} = {error}") from error
