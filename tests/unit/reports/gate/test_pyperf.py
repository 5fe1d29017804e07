"""Reasons why `pyperf compare_to` is no gate, as docs/gating.md has them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyperf
import pytest

from ipcbench.bench.pairs.suites import write_suites
from tests import comparisons


def compared(base: Path, head: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pyperf", "compare_to", base, head],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_its_exit_code_carries_no_verdict(tmp_path: Path) -> None:
    """Both suites of a comparison are read, and a doubling exits with 0."""
    (cell,) = comparisons.cells(1)
    journal = comparisons.lines([cell], lambda *_: 0.7, pairs=10)
    base, head = write_suites(comparisons.write(journal, tmp_path))
    done = compared(base, head)
    assert done.returncode == 0, done.stderr
    assert "[base] 2.00 us +- 0.00 us -> [head] 4.03 us +- 0.00 us: 2.01x slower" in done.stdout


def suite(values: Sequence[float], path: Path) -> Path:
    metadata = {"name": "one", "unit": "second"}
    runs = [pyperf.Run([value], metadata=metadata, collect_metadata=False) for value in values]
    pyperf.BenchmarkSuite([pyperf.Benchmark(runs)]).dump(str(path))
    return path


@pytest.mark.parametrize(("numbers", "significant"), [((12, 12), False), ((12, 11), True)])
def test_other_numbers_of_values_are_significant(
    numbers: tuple[int, int], significant: bool, tmp_path: Path
) -> None:
    base, head = (
        suite([1e-6 * (1 + 0.01 * (n % 4)) for n in range(number)], tmp_path / f"{index}.json")
        for index, number in enumerate(numbers)
    )
    done = compared(base, head)
    assert done.returncode == 0
    assert ("not significant" in done.stdout) is not significant, done.stdout
