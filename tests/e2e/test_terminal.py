"""A sweep at a terminal: its bar, and its cursor after whatever ends the sweep."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from ipcbench.bench.results.results import load
from tests import sampling
from tests.e2e.command import wait_for
from tests.e2e.test_commands import Terminal, shows

SWEEP = ("run", "--clock", "fake", "--profile", "smoke", "--pattern", "latency", "-s", "64")
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"


def has_cursor(terminal: Terminal) -> bool:
    return terminal.seen.rfind(SHOWN) >= terminal.seen.rfind(HIDDEN)


@pytest.mark.parametrize("columns", [60, 80])
def test_share_and_time_stay_visible(columns: int, tmp_path: Path) -> None:
    few = ("-t", "pipe", "-t", "shm:posix+posix-sem", "-t", "sysv-queue")
    terminal = Terminal(*SWEEP, *few, "-o", tmp_path / "run", columns=columns)
    assert terminal.finish() == 0, terminal.seen
    texts = re.findall(r" +\d+ %  [^\r\n\x1b]*", terminal.seen)
    assert texts
    assert all(" left" in text for text in texts), texts
    assert HIDDEN in terminal.seen
    assert has_cursor(terminal)


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("number", sampling.some([signal.SIGINT, signal.SIGTERM, signal.SIGHUP], 2))
def test_the_cursor_is_shown_after_a_signal(
    number: signal.Signals, twice: bool, tmp_path: Path
) -> None:
    terminal = Terminal(*SWEEP, "-o", tmp_path / "run")
    wait_for("the bar", shows(terminal, "round 1 of 2"))
    assert not has_cursor(terminal)
    terminal.send(number)
    if twice:
        time.sleep(0.02)
        terminal.send(number)
    assert terminal.finish() in (0, 128 + number), terminal.seen
    assert "Traceback" not in terminal.seen
    assert has_cursor(terminal)
    ended = load(tmp_path / "run").ended
    assert twice or (ended is not None and ended.reason == "interrupted")


def test_a_closed_terminal_stops_a_sweep_and_keeps_it(tmp_path: Path) -> None:
    terminal = Terminal(*SWEEP, "-o", tmp_path / "run")
    wait_for("the first round", shows(terminal, "round 1 of 2"))
    terminal.hang_up()
    ended = load(tmp_path / "run").ended
    assert ended is not None
    assert ended.reason == "interrupted"
    assert (tmp_path / "run/report.html").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--resume", "gone"),
        (*SWEEP, "-t", "nope"),
        (*SWEEP, "-t", "pipe", "-o", "/proc/ipcbench"),
    ],
    ids=" ".join,
)
def test_an_error_leaves_the_cursor(words: tuple[str, ...]) -> None:
    terminal = Terminal(*words)
    assert terminal.finish() == 3, terminal.seen
    assert "Error: " in terminal.seen
    assert has_cursor(terminal)


def test_an_error_in_a_sweep_shows_the_cursor(tmp_path: Path) -> None:
    """The journal cannot be written any more."""
    terminal = Terminal(*SWEEP, "-o", tmp_path / "run", file_size=60_000)
    assert terminal.finish() == 3, terminal.seen
    assert HIDDEN in terminal.seen
    assert has_cursor(terminal)
    assert "the sweep stops here, and its measurements are kept" in "".join(
        terminal.seen.split("\r\n")
    ).replace("\r", "")
    assert os.path.getsize(tmp_path / "run/journal.jsonl") <= 60_000
