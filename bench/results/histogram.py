"""Log-linear histogram of durations, in the layout of HdrHistogram (hdrhistogram.org).

Each value below `2 * HALF` nanoseconds has its own bucket; above, every power
of two is divided into `HALF` equal buckets. A bucket that starts at v is at
most v / HALF wide, so its middle differs from a value in it by at most
1 / (2 * HALF): 0.4 % here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

HALF_BITS = 7
HALF = 1 << HALF_BITS
RELATIVE_ERROR = 1 / (2 * HALF)

Counts = Mapping[int, int]


def bucket(nanoseconds: int) -> int:
    """Return the number of the bucket of a duration."""
    if nanoseconds < 0:
        raise ValueError("a duration is never negative")
    shift = max(0, nanoseconds.bit_length() - HALF_BITS - 1)
    return (shift << HALF_BITS) + (nanoseconds >> shift)


LAST = bucket((1 << 63) - 1)  # the largest number of a clock


def bounds(number: int) -> tuple[int, int]:
    """Return the lowest duration of a bucket, and that of the next one."""
    if number < 2 * HALF:
        return number, number + 1
    shift = (number >> HALF_BITS) - 1
    low = (number - (shift << HALF_BITS)) << shift
    return low, low + (1 << shift)


def count(durations: Iterable[int]) -> Counter[int]:
    """Count the durations in each bucket: number -> count."""
    return Counter(map(bucket, durations))


def merge(histograms: Iterable[Counts]) -> Counter[int]:
    """Add up histograms."""
    total: Counter[int] = Counter()
    for histogram in histograms:
        total.update(histogram)
    return total


def bearable(total: int, quantile: float) -> bool:
    """Tell whether a sample is large enough for a percentile: ten values or more lie above it."""
    return total * (1 - quantile) >= 10 - 1e-6  # 100 * (1 - 0.9) is 9.999999999999998


def percentiles(counts: Counts, quantiles: Sequence[float]) -> list[float]:
    """Return the middles of the buckets that hold some quantiles of the sample, in ns.

    `quantiles` are from 0 to 1 and rise. Raises: ValueError for an empty histogram.
    """
    total = sum(counts.values())
    if not total:
        raise ValueError("an empty histogram has no percentiles")
    numbers = iter(sorted(counts))
    number = next(numbers)
    seen, found = counts[number], []
    for quantile in quantiles:
        wanted = min(quantile * total, total)  # a product of large numbers is rounded
        while seen < wanted:
            number = next(numbers)
            seen += counts[number]
        low, high = bounds(number)
        found.append((low + high - 1) / 2)
    return found
