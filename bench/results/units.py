"""Sizes and durations as people write and read them: `64`, `4K`, `1M`; `90s`, `3m`, `1h`."""

from __future__ import annotations

import re

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_DECIMAL = {"K": 10**3, "M": 10**6, "G": 10**9}  # of KB, MB and GB
_SIZE = re.compile(r"([0-9]{1,15})(?:B|([KMG])(iB?|B)?)?", re.IGNORECASE | re.ASCII)
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
FRAMES = {1920 * 1080 * 3: "1080p frame", 3840 * 2160 * 3: "4K frame"}  # three bytes a pixel
LARGEST_SHARE, SMALLEST_SHARE = 10.0, 0.001  # of a slow-down: 1000 % and 0.1 %
LARGEST = 1 << 50  # bytes: more than any memory holds
ALMOST = 0.9995  # a larger fraction rounds up to the next power of ten, with three digits


def parse_size(text: str) -> int:
    """Parse a size in bytes: `4K` and `4KiB` are 4096, and `4KB` is 4000 (IEC 80000-13).

    Raises: ValueError.
    """
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError(
            f"{text!r} is not a size: write bytes as 64, 4K, 1M or 2G (4K is 4096, 4KB is 4000)"
        )
    units = _DECIMAL if (found[3] or "").upper() == "B" else _UNITS
    size = int(found[1]) * units[(found[2] or "").upper()]
    if size > LARGEST:
        raise ValueError(f"{text!r} is more than any memory holds")
    return size


def format_size(size: int) -> str:
    """Format a size as `parse_size` reads it: 4096 -> `4K`, 4097 -> `4097`."""
    for letter in "GMK":
        unit = _UNITS[letter]
        if size and size % unit == 0:
            return f"{size // unit}{letter}"
    return str(size)


def human_size(size: int) -> str:
    """Format a size with its unit: 4096 -> `4 KiB`, 65537 -> `65,537 B`."""
    short = format_size(size)
    if short[-1] in "KMG":
        return f"{short[:-1]} {short[-1]}iB"
    return f"{size:,} B" if size >= 10_000 else f"{size} B"


def short_size(size: int) -> str:
    """Format a size with its unit, or by the name of a video frame: `64 KiB`, `1080p frame`."""
    return FRAMES.get(size) or human_size(size)


def named_size(size: int) -> str:
    """Format a size with its unit; name one of a video frame: `1080p frame (6,220,800 B)`."""
    return f"{FRAMES[size]} ({size:,} B)" if size in FRAMES else human_size(size)


def rounded_size(size: int) -> str:
    """Format a size with three significant digits: 17792 -> `17.4 KiB`."""
    short = human_size(size)
    if not short.endswith(" B") or size < 1024:
        return short
    for letter in "GMK":
        if size >= _UNITS[letter] * ALMOST:
            break
    return f"{_digits(size / _UNITS[letter])} {letter}iB"


def parse_seconds(text: str) -> float:
    """Parse a duration above 0 in seconds: `3m` -> 180.0; a bare number is seconds.

    Raises: ValueError.
    """
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|m|h|)", text.strip())
    if not found or float(found[1]) == 0:
        raise ValueError(f"{text!r} is not a duration: write 90s, 3m or 1h")
    return float(found[1]) * _SECONDS[found[2] or "s"]


def parse_share(text: str) -> float:
    """Parse the share of a slow-down: `5%` -> 0.05. Raises: ValueError."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?%", text.strip())
    if not found:
        raise ValueError(f'{text!r}: write a share as "5%"')
    share = float(found[1]) / 100
    if not SMALLEST_SHARE <= share <= LARGEST_SHARE:
        raise ValueError(f"{text!r}: write 0.1% to 1000%")
    return share


def human_seconds(seconds: float) -> str:
    """Format seconds with three significant digits: 0.0000031 -> `3.10 µs`."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= factor * ALMOST:
            return f"{_digits(seconds / factor)} {unit}"
    return f"{_digits(seconds / 1e-9)} ns"


def human_rate(per_second: float, unit: str) -> str:
    """Format a rate in powers of 1000: 2.1e9, "B" -> `2.10 GB/s`."""
    for prefix, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if per_second >= factor * ALMOST:
            return f"{_digits(per_second / factor)} {prefix}{unit}/s"
    return f"{_digits(per_second)} {unit}/s"


def human_share(share: float, digits: int = 0) -> str:
    """Format a share in percent: 0.061 -> `6 %`."""
    return f"{share * 100:.{digits}f} %"


def human_span(seconds: float) -> str:
    """Format a long duration: 95 -> `1 min 35 s`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _digits(value: float) -> str:
    if value >= 100 * ALMOST:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 * ALMOST else f"{value:.2f}"
