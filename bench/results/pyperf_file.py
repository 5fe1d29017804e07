"""pyperf's file: the result of one run, and the metadata that pyperf accepts.

A worker runs the code of a transport, which may be a plug-in, and its file
passes through that process: the content is untrusted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

import msgspec

from ipcbench.bench.errors import BenchError
from ipcbench.bench.results.records import MOST_BLOCKS, OF_A_RUN

SHORTEST, LONGEST = 1e-12, 1e6  # seconds: the range of plausible values
LARGEST = {"duration": 1e9}  # pyperf adds these seconds to a date

Fact: TypeAlias = str | int | float


class NoFigure(BenchError):
    """The worker's file has no figure that a journal may hold; one line."""


class Measured(msgspec.Struct):
    """The result of a run. `warmups` and `values`: seconds per unit."""

    warmups: list[float]
    values: list[float]
    metadata: dict[str, Fact]


class _File(msgspec.Struct):
    """The part of pyperf's file that is read here."""

    class Bench(msgspec.Struct):
        class Run(msgspec.Struct):
            values: list[float] = []
            warmups: list[tuple[int, float]] = []

        runs: list[Run]

    benchmarks: list[Bench]
    metadata: dict[str, Fact]


_decoder = msgspec.json.Decoder(_File)


def are_times(values: Sequence[float]) -> bool:
    """Tell whether these are plausible times of one message; there must be one or more."""
    return bool(values) and all(SHORTEST <= value <= LONGEST for value in values)


def calibrated(data: bytes | msgspec.Raw) -> list[tuple[int, float]]:
    """Return the last two blocks of a calibration, or the only one: loops, seconds per unit.

    Raises: NoFigure.
    """
    blocks = _decoded(data).benchmarks[0].runs[0].warmups[-2:]
    if not are_times([seconds for _, seconds in blocks]):
        raise NoFigure(f"the calibration resulted in {blocks} seconds per unit")
    return blocks


def measured(data: bytes | msgspec.Raw) -> Measured:
    """Read the result of a run. Raises: NoFigure."""
    found = _read(data)
    if not are_times(found.values) or not all(0 <= value <= LONGEST for value in found.warmups):
        raise NoFigure(f"its blocks resulted in {found.values[:5]} seconds per unit")
    if max(len(found.values), len(found.warmups)) > MOST_BLOCKS:
        raise NoFigure(f"over {MOST_BLOCKS} blocks")
    return found


def _decoded(data: bytes | msgspec.Raw) -> _File:
    """Decode a file that has one run at least. Raises: NoFigure."""
    try:
        file = _decoder.decode(data)
        file.benchmarks[0].runs[0]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, IndexError) as error:
        raise NoFigure(f"pyperf's file of this run cannot be read: {error}") from error
    return file


def _read(data: bytes | msgspec.Raw) -> Measured:
    file = _decoded(data)
    run = file.benchmarks[0].runs[0]
    metadata = {key: file.metadata[key] for key in sorted(OF_A_RUN & file.metadata.keys())}
    return Measured([value for _, value in run.warmups], run.values, accepted(metadata))


def accepted(metadata: Mapping[str, Fact]) -> dict[str, Fact]:
    """Keep the metadata that pyperf accepts, and shows without an error."""
    folded = {k: " ".join(v.split()) if isinstance(v, str) else v for k, v in metadata.items()}
    found = {key: value for key, value in folded.items() if _accepts(key, value)}
    if "duration" not in found:  # pyperf adds duration to date
        found.pop("date", None)
    return found


@lru_cache(maxsize=4096, typed=True)  # typed: for pyperf, 1.0 is not a number of bytes
def _accepts(key: str, value: Fact) -> bool:
    import pyperf  # slow to import; a worker has it already

    if key == "date":
        return _is_date(value)
    if not isinstance(value, str) and abs(value) > LARGEST.get(key, 1 << 62):
        return False
    try:
        pyperf.Run([1.0], metadata={key: value}, collect_metadata=False)
    except ValueError:  # such as empty text, or a load below 0
        return False
    return True


def _is_date(value: Fact) -> bool:
    """Tell whether it is a date as pyperf writes it: dates with a time zone cannot be compared."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return found.tzinfo is None and 1970 <= found.year < 3000
