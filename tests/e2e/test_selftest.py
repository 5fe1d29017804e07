"""Complete selftests by the command, with the fake clock: only the times are not real."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from ipcbench.bench.results.comparison.comparison import load
from ipcbench.bench.results.comparison.selftest import read
from ipcbench.bench.selftest.records import load as load_selftest
from ipcbench.transports.testing.leaks import left_since, snapshot
from tests import comparisons
from tests.e2e.command import alive, descendants, end, ipcbench, started, wait_for

CELLS = ("-t", "pipe", "--placement", "same-core")  # three of the profile gate
SMALL = ("selftest", *CELLS, "--clock", "fake", "--seed", "7")


def pairs(folder: Path) -> int:
    files = folder.glob("runs/*/comparison.jsonl")
    return sum(path.read_text().count('"kind":"pair"') for path in files)


def test_a_selftest_finds_what_it_has_slowed(tmp_path: Path) -> None:
    folder = tmp_path / "selftest"
    done = ipcbench(*SMALL, "--runs", "1", "-o", folder, "--json", XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["contradictions"] == []
    assert "made-up times" in found["note"]
    result = read(folder / "selftest.json")
    verdicts = sorted((one.asked, one.verdict) for one in result.outcomes)
    assert verdicts == [(0.0, "passed"), (0.05, "broken"), (0.10, "broken")]
    assert all(one.true == one.asked for one in result.outcomes)
    assert {path.name for path in folder.iterdir()} == {
        "runs", "selftest.json", "selftest.jsonl", "selftest.png", "selftest.svg",
    }  # fmt: skip
    shown = ipcbench("selftest", "--show", folder)
    assert "equal arms: 0 of 1" in shown.stdout
    assert "slower by 10 %: found 1 of 1" in shown.stdout


def test_a_killed_selftest_goes_on_where_it_was(tmp_path: Path) -> None:
    folder, before = tmp_path / "selftest", snapshot()
    with started(*SMALL, "--runs", "2", "-o", folder) as process:
        wait_for("three pairs", lambda: pairs(folder) >= 3)
        below = descendants(process.pid)
        process.kill()
    wait_for("the end of every process", lambda: not alive(below))
    kept = pairs(folder)
    with started("selftest", "--resume", str(folder)) as process:
        wait_for("the second run", lambda: (folder / "runs/002/comparison.jsonl").exists())
        _, errors = end(process, signal.SIGINT)
    assert f"continue: ipcbench selftest --resume {folder}" in errors
    assert pairs(folder) > kept
    first = load(folder / "runs/001")
    assert len(first.resumed) == 1
    for cell in first.measured:
        numbers = [pair.number for pair in cell.good]
        assert numbers == list(range(1, len(numbers) + 1))
    refused = ipcbench("compare", "--resume", folder / "runs/002")
    assert refused.returncode == 3
    assert f"continue that: ipcbench selftest --resume {folder}" in refused.stderr
    done = ipcbench("selftest", "--resume", folder)
    assert done.returncode == 0, done.stderr
    assert "2 runs of 3 cells" in done.stdout
    stopped = load_selftest(folder)
    assert stopped.played == 2
    assert stopped.ended
    assert not left_since(before)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("-t", "pipe", "--pattern", "stream"), "it takes 3; leave some filters out"),
        (("-s", "128"), "profile gate has only"),
        (("--budget", "soon"), "--budget: "),
        (("-o", "taken"), "taken is not empty"),
        (("--resume", "taken"), "taken holds no selftest"),
        (("--show", "compared"), "compared holds no selftest"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    words: tuple[str, ...], what: str, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/notes").touch()
    comparisons.write(comparisons.lines(comparisons.cells()), tmp_path / "compared")
    done = ipcbench("selftest", *words, cwd=tmp_path)
    assert done.returncode == 3, done.stdout
    assert what in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
