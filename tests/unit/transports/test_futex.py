"""Tests of sleeping at a word."""

from __future__ import annotations

import mmap
import threading
import time

import pytest

from ipcbench.transports.sync import futex

pytestmark = pytest.mark.skipif(not futex.usable(), reason="futex(2) cannot be used here")

PAUSE = 0.03  # seconds


@pytest.mark.parametrize("value", [1, 0x7FFFFFFF, 0x80000001, 0xFFFFFFFF, 2**32 + 5, 2**64 - 1])
def test_a_sleep_compares_the_lower_half(value: int) -> None:
    """It sleeps while the word has the value, whatever its highest bit is."""
    with memoryview(mmap.mmap(-1, mmap.PAGESIZE)) as memory, memory[:8].cast("Q") as word:
        word[0] = value
        sleep = futex.sleeping(word)
        sleep(value ^ 1)  # another value: it returns at once
        alarm = threading.Timer(PAUSE, futex.waking(word))
        started = time.monotonic()
        alarm.start()
        sleep(value)
        assert time.monotonic() - started >= PAUSE
        alarm.join()
        del sleep, alarm
