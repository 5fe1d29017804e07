"""The file of promises, `thresholds.toml`: reading and validation.

A promise is a ratio of two cells of one run, which stays valid on other hardware where a time does
not (`ipcbench.reports.gate.judge`); or that a change slows no cell by a share (`ipcbench compare`);
or a bound against a stored run of the same machine (`ipcbench.reports.gate.baseline`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ipcbench.bench.results.untrusted import one_line, parse_toml, read_toml
from ipcbench.reports.gate.promises.kinds import (
    BaselinePromise,
    ChangePromise,
    Promise,
    RatioPromise,
)
from ipcbench.reports.gate.promises.written import WrittenFile, promise_of

LONGEST_MESSAGE = 600


class BadThresholds(ValueError):
    """The file is invalid, or does not fit this run; the message is one line."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message, LONGEST_MESSAGE))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The promises of a file, of all kinds."""

    path: Path
    promises: tuple[Promise, ...]

    @property
    def ratios(self) -> list[RatioPromise]:
        return [one for one in self.promises if isinstance(one, RatioPromise)]

    @property
    def changes(self) -> list[ChangePromise]:
        return [one for one in self.promises if isinstance(one, ChangePromise)]

    @property
    def baselines(self) -> list[BaselinePromise]:
        return [one for one in self.promises if isinstance(one, BaselinePromise)]

    def on(self, cpu_model: str) -> Thresholds:
        """Return the promises that are made on machines with such a CPU."""
        applying = tuple(one for one in self.promises if one.applies(cpu_model))
        return Thresholds(self.path, applying)


_INSTEAD = ': write wait = "poll" for true, wait = "block" for false'


def load_thresholds(path: Path) -> Thresholds:
    """Read a file of promises.

    Raises: BadThresholds, also where the file is missing or cannot be read.
    """
    try:
        written = msgspec.convert(parse_toml(read_toml(path)), WrittenFile)
    except OSError as error:
        raise BadThresholds(f"{path}: {error.strerror or error}") from error
    except RecursionError as error:
        raise BadThresholds(f"{path}: nested too deep") from error
    except ValueError as error:  # no UTF-8, no TOML, a wrong type, an unknown key
        instead = _INSTEAD if "unknown field `poll`" in str(error) else ""
        raise BadThresholds(f"{path}: {error}{instead}") from error
    try:
        promises = tuple(map(promise_of, written.promise))
    except ValueError as error:
        raise BadThresholds(f"{path}: {error}") from error
    twice = [name for name, n in Counter(p.name for p in promises).items() if n > 1]
    if twice:
        raise BadThresholds(f"{path}: two promises are named {twice[0]!r}")
    if not promises:
        raise BadThresholds(f"{path}: no promise: write one as [[promise]]")
    return Thresholds(path, promises)
