"""Sizes in the names of transports: the `1M` of `pipe:1M`."""

from __future__ import annotations

import re

_UNITS = {"": 1, "K": 1024, "M": 1024**2}


def parse_size(text: str, family: str, what: str) -> int:
    """Return the bytes that a size in a name means.

    Args:
        text: the size: `1M`, `256K`, `4096`.
        family: the part of the name before the colon.
        what: the thing that has this size, for the error: "capacity".

    Raises:
        ValueError: it is no size.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,9})([KM]?)", text)
    if found is None:
        raise ValueError(f"no {what} {text!r}: write {family}:1M or {family}:256K")
    return int(found[1]) * _UNITS[found[2]]
