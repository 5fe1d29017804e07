"""Places in a file that a loop accesses one after the other: in order, or at random.

The places are the multiples of the size of an access. At random, they follow a permutation: each
place of a power of two of them comes once before any comes again, so no place is favoured. It is
the same in every run and in both runtimes (bench/loops/_places.h), but for files of more than
`MOST_DRAWN` places: Python draws so many before it reads the clock, and repeats these.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain, cycle, islice, repeat

MOST_DRAWN = 1 << 14
_FACTORS = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03  # odd: a product by one permutes


def in_order(first: int, count: int, size: int, extent: int) -> Iterator[int]:
    """Yield the places of so many accesses in order, from the access `first` on."""
    end = extent // size * size
    rest = range(first * size % end, end, size)
    whole = chain.from_iterable(repeat(range(0, end, size)))
    return islice(chain(rest, whole), count)


def at_random(first: int, count: int, size: int, extent: int) -> Iterator[int]:
    """Yield the places of so many accesses at random, from the access `first` on."""
    drawn = _drawn(size, extent)
    at = first % len(drawn)
    return islice(cycle(drawn[at:] + drawn[:at]), count)


@cache
def _drawn(size: int, extent: int) -> list[int]:
    bits = (extent // size).bit_length() - 1
    return [place_of(number, bits) * size for number in range(min(1 << bits, MOST_DRAWN))]


def place_of(number: int, bits: int) -> int:
    """Return the place, among 2^bits, of the access of that number: a permutation."""
    mask = (1 << bits) - 1
    half = bits // 2 + 1
    place = number * _FACTORS[0] & mask
    place ^= place >> half
    place = place * _FACTORS[1] & mask
    return place ^ place >> half
