"""A log-linear histogram of durations, in HdrHistogram's layout (hdrhistogram.org).

Values up to `2 * HALF` nanoseconds have a bucket each; above, every power of
two is cut into `HALF` equal buckets. A bucket of values from v on is at most
v / HALF wide, so its middle is off by at most 1 / (2 * HALF) of the value:
0.4 % here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

HALF_BITS = 7
HALF = 1 << HALF_BITS
RELATIVE_ERROR = 1 / (2 * HALF)

Counts = Mapping[int, int]


def bucket(nanoseconds: int) -> int:
    """The number of the bucket that holds this duration."""
    if nanoseconds < 0:
        raise ValueError("a duration is never negative")
    shift = max(0, nanoseconds.bit_length() - HALF_BITS - 1)
    return (shift << HALF_BITS) + (nanoseconds >> shift)


LAST = bucket((1 << 63) - 1)  # no clock counts further


def bounds(number: int) -> tuple[int, int]:
    """The lowest duration of a bucket, and the lowest of the next one."""
    if number < 2 * HALF:
        return number, number + 1
    shift = (number >> HALF_BITS) - 1
    low = (number - (shift << HALF_BITS)) << shift
    return low, low + (1 << shift)


def count(durations: Iterable[int]) -> Counter[int]:
    """Bucket number -> how many."""
    return Counter(map(bucket, durations))


def merge(histograms: Iterable[Counts]) -> Counter[int]:
    total: Counter[int] = Counter()
    for histogram in histograms:
        total.update(histogram)
    return total


def bearable(total: int, quantile: float) -> bool:
    """Whether a sample of `total` can bear a percentile: ten times its inverse."""
    return total * (1 - quantile) >= 10 - 1e-6  # 100 * (1 - 0.9) is 9.999999999999998


def percentile(counts: Counts, quantile: float) -> float:
    """The middle of the bucket below which `quantile` (0 to 1) of the sample lies, in ns.

    Raises: ValueError for an empty histogram.
    """
    total = sum(counts.values())
    if not total:
        raise ValueError("an empty histogram has no percentiles")
    wanted = quantile * total
    seen = 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= wanted:
            break
    low, high = bounds(number)
    return (low + high - 1) / 2
