"""Mutexes and the counter of a condition variable between threads, under ThreadSanitizer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ipcbench.transports.native import header
from tests.native import breaks
from tests.native.exclusion import COUNTER, MUTEX
from tests.native.ring_breaks import Break
from tests.native.threads import sanitized

THREADS = [("plain", 4), ("robust", 4), ("futex", 4), ("spin", 4), ("pausing", 2), ("cond", 2)]
# Faults that have no visible effect on x86: `shape` is the harness's arguments.
RACES = (
    Break("futex: unlocked relaxed", MUTEX, "ipcbench_futex_mutex_unlock(",
          "__atomic_fetch_sub(word, 1, __ATOMIC_RELEASE)",
          "__atomic_fetch_sub(word, 1, __ATOMIC_RELAXED)", "futex 2"),
    Break("futex: locked relaxed", MUTEX, "ipcbench_futex_mutex_try(uint32_t",
          "1, 0, __ATOMIC_ACQUIRE", "1, 0, __ATOMIC_RELAXED", "futex 2"),
    Break("spin: unlocked relaxed", MUTEX, "ipcbench_spin_unlock(", "__ATOMIC_RELEASE",
          "__ATOMIC_RELAXED", "spin 2"),
    Break("spin: locked relaxed", MUTEX, "ipcbench_spin_try(uint32_t",
          "__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE)",
          "__atomic_exchange_n(word, 1, __ATOMIC_RELAXED)", "spin 2"),
    Break("cond: its count without the mutex", COUNTER, "ipcbench_counter_add(struct",
          "    counter->tokens++;\n    failed = ipcbench_mutex_unlock(&counter->mutex);\n",
          "    failed = ipcbench_mutex_unlock(&counter->mutex);\n    counter->tokens++;\n",
          "cond 2"),
)  # fmt: skip


@pytest.fixture(scope="module")
def threads(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return sanitized("mutex_threads.c", header(), tmp_path_factory.mktemp("tsan"))


@pytest.mark.parametrize(("kind", "number"), THREADS)
def test_threads(threads: list[str], kind: str, number: int) -> None:
    command = [*threads, kind, str(number), "3000"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("one", RACES, ids=lambda one: one.name)
def test_a_race_is_reported(one: Break, threads: list[str], tmp_path: Path) -> None:
    headers = breaks.sources(one, tmp_path) / "transports/native"
    broken = sanitized("mutex_threads.c", headers, tmp_path)
    ran = subprocess.run([*broken, *one.shape.split(), "3000"], capture_output=True, text=True)
    assert ran.returncode != 0
    assert "WARNING: ThreadSanitizer: data race" in ran.stderr, ran.stderr
