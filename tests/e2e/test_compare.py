"""Complete comparisons by the command, with the fake clock: only the times are not real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ipcbench.bench.results.comparison.comparison import load
from ipcbench.transports.testing.leaks import left_since, snapshot
from tests import comparisons
from tests.e2e.command import alive, descendants, end, ipcbench, started, wait_for

CELL = ("-t", "pipe", "-s", "64", "--pattern", "latency", "--placement", "same-core")
ONE = (*CELL, "--runtime", "python")
SAME = ("compare", "--clock", "fake", "--seed", "7", "--base", "here")


def pairs(folder: Path) -> int:
    path = folder / "comparison.jsonl"
    return path.read_text().count('"kind":"pair"') if path.exists() else 0


def test_equal_arms_pass(tmp_path: Path) -> None:
    folder = tmp_path / "compared"
    done = ipcbench(*SAME, "--head", "env:IPCBENCH_ARM=2", *CELL, "-o", folder)
    assert done.returncode == 0, done.stderr
    assert "2 passed" in done.stdout
    comparison = load(folder)
    assert comparison.ended is not None
    assert comparison.ended.reason == "decided"
    assert [arm.spec for arm in comparison.header.arms] == ["here", "env:IPCBENCH_ARM=2"]
    for cell in comparison.measured:
        assert cell.pairs
        assert all(value == 0 for value, _ in cell.differences())

    for arm in ("base", "head"):
        found = subprocess.run(
            [sys.executable, "-m", "pyperf", "check", folder / f"{arm}.json"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert found.returncode == 0, found.stderr
    again = ipcbench("compare", "--show", folder, "--format", "json")
    assert again.returncode == 0, again.stderr
    assert len(json.loads(again.stdout)["lines"]) == 2
    resumed = ipcbench("compare", "--resume", folder)
    assert resumed.returncode == 0
    assert "nothing is left to do: each cell is decided" in resumed.stderr


def test_a_budget_that_is_spent_is_inconclusive(tmp_path: Path) -> None:
    done = ipcbench(*SAME, *ONE, "--budget", "100ms", "-o", tmp_path / "compared")
    assert done.returncode == 2, done.stderr
    assert "inconclusive" in done.stdout
    again = f"ipcbench compare --resume {tmp_path / 'compared'} --budget"
    assert again in " ".join(done.stdout.split())
    before = load(tmp_path / "compared")
    more = ipcbench("compare", "--resume", tmp_path / "compared", "--budget", "5m")
    assert more.returncode == 0, more.stderr
    after = load(tmp_path / "compared")
    assert after.budget == 300.0
    for cell, one in after.cells.items():
        assert one.pairs[: len(before.cells[cell].pairs)] == before.cells[cell].pairs


def test_ctrl_c_stops_after_the_pair_and_the_rest_is_resumed(tmp_path: Path) -> None:
    folder, before = tmp_path / "compared", snapshot()
    with started(*SAME, *CELL, "-o", folder) as process:
        wait_for("three pairs", lambda: pairs(folder) >= 3)
        _, errors = end(process, signal.SIGINT)
    assert process.returncode == 2, errors  # one cell is open, at least
    assert f"continue: ipcbench compare --resume {folder}" in errors
    stopped = load(folder)
    assert stopped.ended is not None
    assert stopped.ended.reason == "interrupted"
    assert not left_since(before)

    done = ipcbench("compare", "--resume", folder)
    assert done.returncode == 0, done.stderr
    whole = load(folder)
    assert len(whole.resumed) == 1
    for cell in whole.measured:
        numbers = [pair.number for pair in cell.good]
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("victim", ["command", "fork servers"])
def test_kills_leave_nothing_and_lose_nothing(victim: str, tmp_path: Path) -> None:
    folder, before = tmp_path / "compared", snapshot()
    with started(*SAME, *ONE, "-o", folder) as process:
        wait_for("two pairs", lambda: pairs(folder) >= 2)
        below = descendants(process.pid)
        if victim == "command":
            process.kill()
        else:
            for pid in below:
                command = Path(f"/proc/{pid}/cmdline")
                if command.exists() and b"fork_parent" in command.read_bytes():
                    os.kill(pid, signal.SIGKILL)
            _, errors = process.communicate()
            assert process.returncode == 0, errors
    wait_for("the end of every process", lambda: not alive(below))
    if victim == "command":
        kept = pairs(folder)
        assert kept >= 2
        done = ipcbench("compare", "--resume", folder)
        assert done.returncode == 0, done.stderr
        assert pairs(folder) > kept
    assert not left_since(before)
    assert all(not cell.skipped and cell.good for cell in load(folder).cells.values())


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ((), "--base is missing"),
        (("--base", "here", "--delta", "5"), "--delta: '5': write a share"),
        (("--base", "here", "-s", "128"), "profile gate has only"),
        (("--base", "here", "--dry-run", "--format", "junit"), "--dry-run has no verdicts"),
        (("--base", "here", "-o", "taken"), "taken is not empty, and holds no run"),
        (("--show", "compared", "--base", "here"), "--show takes no other option"),
        (("--resume", "compared", "--seed", "1"), "--resume takes no other option"),
        (("--show", "taken"), "taken holds no comparison"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    words: tuple[str, ...], what: str, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/notes").touch()
    comparisons.write(comparisons.lines(comparisons.cells()), tmp_path / "compared")
    done = ipcbench("compare", *words, cwd=tmp_path)
    assert done.returncode == 3, done.stdout
    assert what in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["show", "report", "export", "check"])
def test_other_commands_name_the_one_that_reads_a_comparison(command: str, tmp_path: Path) -> None:
    comparisons.write(comparisons.lines(comparisons.cells()), tmp_path / "compared")
    done = ipcbench(command, "compared", cwd=tmp_path)
    assert done.returncode == 3
    assert "holds a comparison of two arms: ipcbench compare --show compared" in done.stderr


def test_a_dry_run_names_the_cells(tmp_path: Path) -> None:
    done = ipcbench("compare", "--base", "main", *CELL, "--dry-run", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one["cell"] for one in found["cells"]] == [
        f"latency/pipe/{runtime}/64B/2p/same-core" for runtime in ("python", "native")
    ]
    assert {one["delta"] for one in found["cells"]} == {0.05}
    assert not list(tmp_path.iterdir())


def test_a_comparison_of_another_machine_is_not_resumed(tmp_path: Path) -> None:
    folder = tmp_path / "compared"
    comparisons.write(comparisons.lines(comparisons.cells(1), reason=None), folder)
    done = ipcbench("compare", "--resume", folder)
    assert done.returncode == 3
    assert "this comparison cannot be resumed here" in done.stderr
