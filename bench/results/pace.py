"""Paces: `closed`, or a pause between round trips, such as `pause:1ms`."""

from __future__ import annotations

import re

CLOSED = "closed"
SHORTEST, LONGEST = 1, 1_000_000  # microseconds of a pause
_MICROSECONDS = {"us": 1, "ms": 1000, "s": 1_000_000}


def parse_pace(text: str) -> str:
    """Return a pace in its one spelling: `pause:1000us` -> `pause:1ms`.

    Raises: ValueError.
    """
    if text == CLOSED:
        return text
    pause = _pause(text)
    unit = next(unit for unit in ("s", "ms", "us") if pause % _MICROSECONDS[unit] == 0)
    return f"pause:{pause // _MICROSECONDS[unit]}{unit}"


def gap(pace: str) -> float:
    """Return the seconds of the pause: 0 for `closed`. Raises: ValueError."""
    return 0.0 if pace == CLOSED else _pause(pace) * 1e-6


def _pause(text: str) -> int:
    found = re.fullmatch(r"pause:([0-9]{1,7})(us|ms|s)", text, re.ASCII)
    pause = int(found[1]) * _MICROSECONDS[found[2]] if found else 0
    if not SHORTEST <= pause <= LONGEST:
        raise ValueError(
            f"{text[:200]!r} is no pace: write closed, or a pause of 1us to 1s: pause:1ms"
        )
    return pause
