"""Paces: `closed`, a pause between round trips, or a rate at which messages are sent.

| pace | what the sender does |
|---|---|
| `closed` | it sends as fast as it may |
| `pause:1ms` | it sleeps before each round trip |
| `load:50` | it sends at fixed intervals, at 50 % of the capacity that the calibration has found |
| `poisson:50` | the same rate on average, at random intervals: a Poisson process |
| `rate:100000` | it sends at fixed intervals, so many messages a second |
"""

from __future__ import annotations

import re
from typing import NamedTuple

CLOSED = "closed"
LOAD, POISSON, RATE = "load", "poisson", "rate"
SHORTEST, LONGEST = 1, 1_000_000  # microseconds of a pause
MOST_LOAD = 100  # percent of the capacity
SLOWEST, FASTEST = 10, 10_000_000  # messages a second
_MICROSECONDS = {"us": 1, "ms": 1000, "s": 1_000_000}
_FORMS = (
    "write closed, or a pause of 1us to 1s: pause:1ms, or a rate: load:50, poisson:50 (1 to "
    f"{MOST_LOAD} percent of the capacity), rate:100000 ({SLOWEST} to {FASTEST} messages a second)"
)


class Offered(NamedTuple):
    """The rate that a pace offers. `number`: percent of the capacity, or messages a second."""

    kind: str
    number: int

    def rate(self, capacity: float) -> float:
        """Return the messages a second, given those of a closed loop."""
        return float(self.number) if self.kind == RATE else capacity * self.number / 100


def parse_pace(text: str) -> str:
    """Return a pace in its one spelling: `pause:1000us` -> `pause:1ms`.

    Raises: ValueError.
    """
    if text == CLOSED:
        return text
    if (rate := offered(text)) is not None:
        return f"{rate.kind}:{rate.number}"
    pause = _pause(text)
    unit = next(unit for unit in ("s", "ms", "us") if pause % _MICROSECONDS[unit] == 0)
    return f"pause:{pause // _MICROSECONDS[unit]}{unit}"


def gap(pace: str) -> float:
    """Return the seconds of the pause: 0 for `closed` and for rates. Raises: ValueError."""
    return 0.0 if pace == CLOSED or offered(pace) is not None else _pause(pace) * 1e-6


def offered(pace: str) -> Offered | None:
    """Return the rate that a pace offers; None for a closed loop, with pauses or without.

    Raises: ValueError for a rate out of bounds.
    """
    found = re.fullmatch(rf"({LOAD}|{POISSON}|{RATE}):([0-9]{{1,8}})", pace, re.ASCII)
    if found is None:
        return None
    least, most = (SLOWEST, FASTEST) if found[1] == RATE else (1, MOST_LOAD)
    if not least <= int(found[2]) <= most:
        raise _refused(pace)
    return Offered(found[1], int(found[2]))


def has_own_rate(pace: str) -> bool:
    """Tell whether a rate is a share of each cell's own capacity: others then have other rates."""
    rate = offered(pace)
    return rate is not None and rate.kind != RATE


def pace_order(pace: str) -> tuple[float, int, int]:
    """Return the sorting key of a pace: closed loops, pauses by length, loads, then rates."""
    rate = offered(pace)
    if rate is None:
        return gap(pace), 0, 0
    return 0.0, 1 + (LOAD, POISSON, RATE).index(rate.kind), rate.number


def _pause(text: str) -> int:
    found = re.fullmatch(r"pause:([0-9]{1,7})(us|ms|s)", text, re.ASCII)
    pause = int(found[1]) * _MICROSECONDS[found[2]] if found else 0
    if not SHORTEST <= pause <= LONGEST:
        raise _refused(text)
    return pause


def _refused(text: str) -> ValueError:
    return ValueError(f"{text[:200]!r} is no pace: {_FORMS}")
