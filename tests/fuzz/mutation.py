"""Small changes to valid documents: trees of JSON, texts of TOML, bytes.

Most changes keep the type and take an extreme value: a wrong type is refused at once, and
would not reach the code behind the parser.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

NUMBERS: Sequence[int | float] = (
    0, 1, -1, 2, 3, 7, 64, 255, 4096, 65536, 2**31, 2**32, 2**53, 2**53 + 1, 2**62, 2**63, 2**64,
    -(2**63), 10**24, 10**400, 0.5, -0.5, 1e-12, 9.9e-13, 1e-300, 5e-324, 1e6, 1.1e6, 1e12, 1e18,
    1e30, 1e300, 1.7976931348623157e308, -1e300, -0.0,
)  # fmt: skip
TEXTS: Sequence[str] = (
    "", " ", "x", "a  b", " a", "~twin", "/", "..", "../../etc/passwd", "\x00", "\x1b[2J\x07",
    "\x9b31m", "\n", "\r\n", "\u2028", "\u202e\u2066", "\u200d", "\ufeff", "\U000e0041", "\ud7ff",
    "e\u0301" * 50, "\U0001f4a9", "<script>alert(1)</script>", "<svg onload=f()>", "-->", "]]>",
    "\"'><img src=x onerror=f()>", "&lt;", "</style>", "</title>", "{{7*7}}", "{%raw%}", "%s%n",
    "{0.__class__}", "$\\frac{", "$x_$", "\\mathrm", "#1f2430", "url(#x)", 'id="x"', "[red]bold[/]",
    "http://example.com/x.js", "javascript:f()", "x" * 199, "x" * 5000, "pipe", "null",
    "latency", "stream", "counter", "echo", "pairs", "same-core", "shm:posix+futex", "shm:", "+",
    "a+b:c", "shared memory", "floor", "synchronisation", "none", "lost updates",
    "block", "poll", "spin", "closed", "pause:1ms", "pause:9s",
    "round trip", "message", "1e9", "-1", "nan", "1970-01-01", "2026-11-22T12:00:00+01:00",
    "9999-12-31 23:59:59",
)  # fmt: skip
OTHERS: Sequence[Any] = (None, True, False, [], {}, [[]], [None], {"": None}, 0, "", 1.5)


def tree(rng: random.Random, value: Any) -> Any:
    """Return a copy of a JSON value with one change."""
    if isinstance(value, dict) and value and rng.random() < 0.97:
        return _in_dict(rng, value)
    if isinstance(value, list) and value and rng.random() < 0.97:
        return _in_list(rng, value)
    return _replaced(rng, value)


def _in_dict(rng: random.Random, value: dict[str, Any]) -> dict[str, Any]:
    key = rng.choice(list(value))
    choice = rng.random()
    if choice < 0.01:
        return {name: one for name, one in value.items() if name != key}
    if choice < 0.02:
        return {**value, rng.choice(TEXTS): value[key]}
    return {**value, key: tree(rng, value[key])}


def _in_list(rng: random.Random, value: list[Any]) -> list[Any]:
    at = rng.randrange(len(value))
    choice = rng.random()
    if choice < 0.08:
        return value[:at] + value[at + 1 :]
    if choice < 0.2:
        return value[:at] + [value[at]] * rng.choice((2, 3, 20, 2000)) + value[at + 1 :]
    if choice < 0.24:
        return rng.sample(value, len(value))
    return [*value[:at], tree(rng, value[at]), *value[at + 1 :]]


def _replaced(rng: random.Random, value: Any) -> Any:
    if rng.random() < 0.03:
        return rng.choice(OTHERS)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return _whole(rng, value)
    if isinstance(value, float):
        near = value * 10.0 ** rng.randrange(-6, 7)
        return near if rng.random() < 0.7 else rng.choice((float_of(rng), -value))
    if isinstance(value, str):
        return text(rng, value)
    if isinstance(value, dict):
        return {rng.choice(TEXTS): rng.choice(TEXTS), str(rng.randrange(8000)): 1}
    if isinstance(value, list):
        return [rng.choice(NUMBERS), rng.choice(TEXTS)][rng.randrange(2) :]
    return rng.choice((*OTHERS, 1, 7, 1e-3))


def _whole(rng: random.Random, value: int) -> int:
    if rng.random() < 0.3:
        return rng.choice([number for number in NUMBERS if isinstance(number, int)])
    there = rng.randrange(1 << rng.randrange(1, 50))
    return rng.choice((value + 1, value * 1000, value // 2, 1, 2, there))


def float_of(rng: random.Random) -> float:
    found = rng.choice(NUMBERS)
    return float(found) if abs(found) < 1e308 else 1e308


def text(rng: random.Random, value: str) -> str:
    hostile = rng.choice(TEXTS)
    at = rng.randrange(len(value) + 1)
    inside = value[:at] + hostile + value[at:]
    return rng.choice((hostile, inside, value[at:], value + value, chr(rng.randrange(0xD7FF))))


def raw(rng: random.Random, data: bytes) -> bytes:
    """Change bytes regardless of their format."""
    at, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    middle = data[at:end]
    deep = rng.choice((b"[", b'{"a":', b"(", b"\xff", b"\x00")) * rng.choice((1, 1000, 100_000))
    some = middle[:200]
    return rng.choice(
        (
            data[:at] + data[end:],
            data[:at],
            data[:at] + rng.randbytes(rng.randrange(1, 9)) + data[at:],
            data[:at] + middle[:2000] * rng.choice((2, 3, 50)) + data[end:],
            data[:at] + deep + data[at:],
            data[:at] + bytes(rng.sample(some, len(some))) + data[end:],
        )
    )


def lines(rng: random.Random, found: list[Any]) -> list[Any]:
    """Change the order and the number of lines, not their content."""
    if not found:
        return found
    at = rng.randrange(len(found))
    choice = rng.random()
    if choice < 0.3:
        return found[:at] + found[at + 1 :]
    if choice < 0.6:
        return found[:at] + [found[at]] * rng.choice((2, 3, 12, 200)) + found[at + 1 :]
    if choice < 0.8:
        other = rng.randrange(len(found))
        found = list(found)
        found[at], found[other] = found[other], found[at]
        return found
    return rng.sample(found, len(found)) if choice < 0.9 else found[:at]
