"""bench.results.units: sizes and durations, parsed and formatted."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipcbench.bench.results.units import (
    format_size,
    human_rate,
    human_seconds,
    human_size,
    human_span,
    named_size,
    parse_seconds,
    parse_size,
    rounded_size,
    short_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("64", 64),
        ("64B", 64),
        ("4K", 4096),
        ("4k", 4096),
        ("4KiB", 4096),
        ("4Ki", 4096),
        ("4kib", 4096),
        ("4KB", 4000),
        ("4kB", 4000),
        ("4kb", 4000),
        ("1MB", 10**6),
        ("1MiB", 1 << 20),
        ("2GB", 2 * 10**9),
        (" 1M ", 1 << 20),
        ("2G", 2 << 30),
    ],
)
def test_parse_size(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "K", "-1", "+1", "1.5K", "4 K", "4T", "1e3", "0x10", "4K4", "64\x00", "9" * 16),
        *("4iB", "4i", "4BB", "4KBi", "4 KB", "4KBs", "4Kb/s"),
        *("٤", "4\N{KELVIN SIGN}", "nan", "inf", "_1", "1_000", "4K\nM"),
    ],
)
def test_invalid_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@given(st.text(max_size=12))
@example("4\N{KELVIN SIGN}")
def test_any_text_is_a_size_or_a_value_error(text: str) -> None:
    try:
        size = parse_size(text)
    except ValueError as error:
        assert "\n" not in str(error)
        assert str(error).isprintable()
    else:
        assert size >= 0


@given(st.integers(0, 10**15 - 1))
@example(1024)
@example(1 << 30)
@example(3 << 40)
def test_a_size_survives_being_written(size: int) -> None:
    assert parse_size(format_size(size)) == size
    assert len(format_size(size)) <= len(str(size))


@pytest.mark.parametrize(
    ("size", "short", "long"),
    [
        (0, "0", "0 B"),
        (64, "64", "64 B"),
        (1000, "1000", "1000 B"),
        (4096, "4K", "4 KiB"),
        (4097, "4097", "4097 B"),
        (1500, "1500", "1500 B"),
        (65_537, "65537", "65,537 B"),
        (1_000_003, "1000003", "1,000,003 B"),
        (6_220_800, "6075K", "6075 KiB"),
        (1 << 20, "1M", "1 MiB"),
        (3 << 30, "3G", "3 GiB"),
    ],
)
def test_sizes_as_written_and_as_read(size: int, short: str, long: str) -> None:
    assert format_size(size) == short
    assert human_size(size) == long


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1000, "1000 B"),
        (65536, "64 KiB"),
        (1025 << 10, "1025 KiB"),
        (17792, "17.4 KiB"),
        (233152, "228 KiB"),
        ((1 << 20) - 1, "1.00 MiB"),
        (5_000_000, "4.77 MiB"),
        (3 << 40, "3072 GiB"),
        ((3 << 40) + 1, "3072 GiB"),
    ],
)
def test_sizes_are_rounded(size: int, text: str) -> None:
    assert rounded_size(size) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("3m", 180), ("1h", 3600), ("250ms", 0.25), ("90", 90), ("1.5 m", 90)],
)
def test_parse_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "0", "0s", "0.0m", "-1s", "1d", "s", "1e3", "nan", "inf", "1.s", "3 m s", "٣s"]
)
def test_invalid_spans_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 ns"),
        (3.14159e-6, "3.14 µs"),
        (71.26e-6, "71.3 µs"),
        (0.25e-6, "250 ns"),
        (1.5e-3, "1.50 ms"),
        (2, "2.00 s"),
        (123.4, "123 s"),
        (9.996e-6, "10.0 µs"),
        (99.96e-6, "100 µs"),
        (0.99996, "1.00 s"),
    ],
)
def test_human_seconds(seconds: float, text: str) -> None:
    assert human_seconds(seconds) == text


@given(st.floats(1e-9, 999))
def test_human_seconds_has_three_digits_and_the_right_size(seconds: float) -> None:
    figure, unit = human_seconds(seconds).split(" ")
    factor = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit]
    assert float(figure) * factor == pytest.approx(seconds, rel=0.0051)
    assert len(re.sub(r"\D", "", figure)) == 3


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (2.1e9, "2.10 GB/s"),
        (52_340, "52.3 kB/s"),
        (1e6, "1.00 MB/s"),
        (999.96e6, "1.00 GB/s"),
        (12, "12.0 B/s"),
    ],
)
def test_human_rate(rate: float, text: str) -> None:
    assert human_rate(rate, "B") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59, "59 s"),
        (59.7, "1 min 00 s"),
        (95, "1 min 35 s"),
        (3599.8, "1 h 00 min"),
        (7325, "2 h 02 min"),
    ],
)
def test_human_span(seconds: float, text: str) -> None:
    assert human_span(seconds) == text


def test_a_frame_has_a_name() -> None:
    assert named_size(parse_size("6220800")) == "1080p frame (6,220,800 B)"
    assert named_size(24_883_200) == "4K frame (24,883,200 B)"
    assert named_size(65_536) == "64 KiB"
    assert short_size(6_220_800) == "1080p frame"
    assert short_size(65_536) == "64 KiB"
