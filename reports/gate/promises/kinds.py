"""The three kinds of promises: a ratio within a run, a change, and a bound against a baseline."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ipcbench.reports.gate.promises.axes import Axes, Choice

MANY = 6  # names in a message


@dataclass(frozen=True, slots=True)
class Promise:
    """Common root of the kinds.

    `reason`: the author's, for the promise. `machines`: patterns of names of CPUs; the promise is
    made on these alone, with none on all.
    """

    name: str
    reason: str
    machines: tuple[str, ...]

    def applies(self, cpu_model: str) -> bool:
        """Tell whether it is made on machines with such a CPU."""
        return not self.machines or any(fnmatchcase(cpu_model, each) for each in self.machines)


@dataclass(frozen=True, slots=True)
class RatioPromise(Promise):
    """`at_least <= time(than) / time(faster) <= at_most`; at least one bound is given.

    `faster` and `than` map axes of a cell to values; `where` belongs to both.
    """

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
class ChangePromise(Promise):
    """A change slows no cell by `delta`, a share: base against head, `ipcbench compare`."""

    cells: Choice
    delta: float


@dataclass(frozen=True, slots=True)
class BaselinePromise(Promise):
    """No cell takes over `at_most` times as long as in a stored run of the same machine."""

    cells: Choice
    at_most: float

    @property
    def bound(self) -> str:
        """The bound as text."""
        return f"at most {times(self.at_most)} of the baseline"


def times(ratio: float) -> str:
    """Format a ratio: 1.5 as `1.5x`, 1.8234 as `1.823x`, enough digits beside a close bound."""
    if ratio >= 1000:
        return f"{ratio:.0f}x"
    return (f"{ratio:.3f}".rstrip("0").rstrip(".") if 0.1 <= ratio < 10 else f"{ratio:.4g}") + "x"


def named(promises: Iterable[Promise]) -> str:
    """List the names of promises, the first few of many."""
    names = [repr(one.name) for one in promises]
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more


def quoted(path: Path) -> str:
    """Write a path as a word of a command to copy."""
    return shlex.quote(str(path))


def elsewhere(promises: Iterable[Promise], cpu_model: str) -> str:
    """Say that promises are made on other machines."""
    return f"made on other machines than this one, {cpu_model!r}: {named(promises)}"
