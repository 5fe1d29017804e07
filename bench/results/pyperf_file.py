"""pyperf's file: what its worker wrote of one run, and which metadata it takes from us.

A worker runs a transport that may be anybody's, and its file passes through
that process: what comes back is looked at as if a stranger had sent it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

import msgspec

from ipcbench.bench.errors import BenchError
from ipcbench.bench.results.records import MOST_BLOCKS, OF_A_RUN

SHORTEST, LONGEST = 1e-12, 1e6  # seconds: outside of these no value was ever measured
LARGEST = {"duration": 1e9}  # pyperf adds these seconds to a date

Fact: TypeAlias = str | int | float


class NoFigure(BenchError):
    """The worker's file holds no figure that could stand in a journal; one line."""


class Measured(msgspec.Struct):
    """`warmups` and `values`: seconds per unit."""

    warmups: list[float]
    values: list[float]
    metadata: dict[str, Fact]


class _File(msgspec.Struct):
    """As much of pyperf's file as is read here."""

    class Bench(msgspec.Struct):
        class Run(msgspec.Struct):
            values: list[float] = []
            warmups: list[tuple[int, float]] = []

        runs: list[Run]

    benchmarks: list[Bench]
    metadata: dict[str, Fact]


_decoder = msgspec.json.Decoder(_File)


def are_times(values: Sequence[float]) -> bool:
    """Whether these are one or more times of one message, as a clock can tell them."""
    return bool(values) and all(SHORTEST <= value <= LONGEST for value in values)


def calibrated(data: bytes | msgspec.Raw) -> float:
    """Seconds per unit of the last block that was tried. Raises: NoFigure."""
    found = _read(data)
    if not are_times(found.warmups[-1:]):
        raise NoFigure(f"calibrating came to {found.warmups[-1:]} seconds a unit")
    return found.warmups[-1]


def measured(data: bytes | msgspec.Raw) -> Measured:
    """Raises: NoFigure."""
    found = _read(data)
    if not are_times(found.values) or not all(0 <= value <= LONGEST for value in found.warmups):
        raise NoFigure(f"its blocks came to {found.values[:5]} seconds a unit")
    if max(len(found.values), len(found.warmups)) > MOST_BLOCKS:
        raise NoFigure(f"over {MOST_BLOCKS} blocks")
    return found


def _read(data: bytes | msgspec.Raw) -> Measured:
    try:
        file = _decoder.decode(data)
        run = file.benchmarks[0].runs[0]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, IndexError) as error:
        raise NoFigure(f"pyperf's file of this run cannot be read: {error}") from error
    metadata = {key: file.metadata[key] for key in sorted(OF_A_RUN & file.metadata.keys())}
    return Measured([value for _, value in run.warmups], run.values, taken(metadata))


def taken(metadata: Mapping[str, Fact]) -> dict[str, Fact]:
    """The metadata that pyperf takes, and its commands show without an error."""
    folded = {k: " ".join(v.split()) if isinstance(v, str) else v for k, v in metadata.items()}
    found = {key: value for key, value in folded.items() if _takes(key, value)}
    if "duration" not in found:  # pyperf adds the two
        found.pop("date", None)
    return found


@lru_cache(maxsize=4096, typed=True)  # 1.0 is no number of bytes
def _takes(key: str, value: Fact) -> bool:
    import pyperf  # heavy, and a worker has it already

    if key == "date":
        return _is_date(value)
    if not isinstance(value, str) and abs(value) > LARGEST.get(key, 1 << 62):
        return False
    try:
        pyperf.Run([1.0], metadata={key: value}, collect_metadata=False)
    except ValueError:  # empty text, a load below 0
        return False
    return True


def _is_date(value: Fact) -> bool:
    """As pyperf writes it: without a time zone, or two could not be compared."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return found.tzinfo is None and 1970 <= found.year < 3000
