"""Sizes wherever they are read: K is 1024, KB is 1000, in options, profiles and thresholds."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench.commands.options import axes
from ipcbench.bench.commands.show import command as show
from ipcbench.bench.plan.options import Options, parse_options
from ipcbench.reports.gate.thresholds import load_thresholds
from tests.unit.bench.test_profile import PROFILE, parsed

PROMISE = """
[[promise]]
name = "one"
faster = { transport = "shm" }
than = { transport = "pipe" }
where = { pattern = "latency", size = "%s" }
at_least = "1.5x"
"""


@pytest.mark.parametrize(
    ("written", "size"), [("64K", 65536), ("64KiB", 65536), ("64KB", 64000), ("1MB", 10**6)]
)
def test_a_size_means_the_same_everywhere(written: str, size: int, tmp_path: Path) -> None:
    assert parse_options(Options(sizes=(written,))).sizes == (size,)
    tables = parsed(PROFILE.replace('sizes = ["64"', f'sizes = ["{written}"')).axes
    assert size in {one for table in tables for one in table.sizes}
    (tmp_path / "thresholds.toml").write_text(PROMISE % written)
    (promise,) = load_thresholds(tmp_path / "thresholds.toml").ratios
    assert promise.where["size"] == size


def test_the_help_says_which_is_which() -> None:
    run = axes(lambda: None)
    for params in (run.__click_params__, show.params):  # type: ignore[attr-defined]
        (option,) = [one for one in params if one.name == "sizes"]
        assert "4K (4096), 4KB (4000)" in option.help
