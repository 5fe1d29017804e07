"""A newest value between threads: as it is compiled, and under ThreadSanitizer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ipcbench.transports.native import header
from tests.native import breaks
from tests.native.ring_breaks import Break
from tests.native.threads import HERE, sanitized

SOURCE = "newest_threads.c"
HEADER = "transports/native/newest.h"
# Readers, updates, buffers, size.
CASES = ("1 3000 1 64", "4 1000 1 64", "1 300 1 5000", "4 1000 4 64", "3 200 4 5000")

# The parts of the lock: without each of them, a torn value is returned. `shape`: the case.
BREAKS = (
    Break("not compared again", HEADER, "ipcbench_newest_read(",
          "if (__atomic_load_n(&head->sequence, __ATOMIC_RELAXED) != 2 * number) {",
          "if (0) {", "3 100000 1 60000"),
    Break("never odd", HEADER, "ipcbench_newest_publish(",
          "    __atomic_store_n(&head->sequence, 2 * number - 1, __ATOMIC_RELAXED);\n",
          "", "12 100000 1 60000"),
    Break("whole too early", HEADER, "ipcbench_newest_publish(",
          "2 * number - 1", "2 * number", "3 100000 1 60000"),
    Break("one buffer for all", HEADER, "ipcbench_newest_publish(",
          "end->values + at * end->stride", "end->values", "3 100000 4 60000"),
)  # fmt: skip
# Faults that have no visible effect on x86: ThreadSanitizer reports a race.
RACES = (
    Break("copied without order", HEADER, "ipcbench_newest_write(char",
          "__atomic_store_n(to + i, from[i], __ATOMIC_RELEASE)", "to[i] = from[i]", "2 300 1 64"),
)  # fmt: skip


def compiled(headers: Path, folder: Path) -> list[str]:
    """Compile the harness as the module is, without a sanitizer."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    program = folder / "plain"
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fno-strict-aliasing"]
    command = [compiler, *flags, f"-I{headers}", "-o", program, HERE / SOURCE, "-lpthread"]
    subprocess.run(command, check=True)
    return [str(program)]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return compiled(header(), tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def threads(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return sanitized(SOURCE, header(), tmp_path_factory.mktemp("tsan"))


def ran(command: list[str], case: str) -> tuple[int, str]:
    done = subprocess.run([*command, *case.split()], capture_output=True, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize("case", CASES)
def test_every_value_is_whole(plain: list[str], case: str) -> None:
    assert ran(plain, case) == (0, "")


@pytest.mark.parametrize("case", CASES)
def test_threads(threads: list[str], case: str) -> None:
    assert ran(threads, case) == (0, "")


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.name)
def test_a_lock_without_a_part_of_it_is_found(one: Break, tmp_path: Path) -> None:
    headers = breaks.sources(one, tmp_path) / "transports/native"
    code, text = ran(compiled(headers, tmp_path), one.shape)
    assert code == 1, text
    assert "is torn or old" in text


@pytest.mark.parametrize("one", RACES, ids=lambda one: one.name)
def test_a_race_is_reported(one: Break, threads: list[str], tmp_path: Path) -> None:
    headers = breaks.sources(one, tmp_path) / "transports/native"
    code, text = ran(sanitized(SOURCE, headers, tmp_path), one.shape)
    assert code != 0
    assert "WARNING: ThreadSanitizer: data race" in text
