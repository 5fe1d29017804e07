"""Program 2: a calculation server and its client, unrelated processes that share only the path."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "calculator.py"

ASKED = {"6 * 7": "42.0", "1 - 3": "-2.0", "7 / 2": "3.5", "1 / 0": "none", "2 % 1": "none"}


@pytest.mark.parametrize("way", ["fifo", "fifo:mknod"])
@pytest.mark.parametrize("first", ["serve", "ask"])
def test_calculations(way: str, first: str, tmp_path: Path) -> None:
    path = tmp_path / "calculator"
    started = {}
    for what in ("serve", "ask") if first == "serve" else ("ask", "serve"):
        command = [sys.executable, str(PROGRAM), what, way, str(path)]
        started[what] = subprocess.Popen(
            [*command, *ASKED] if what == "ask" else command, stdout=subprocess.PIPE, text=True
        )
        time.sleep(0.2)  # the first one opens the FIFO before the second one starts
    answers, _ = started["ask"].communicate(timeout=30)
    started["serve"].communicate(timeout=30)
    assert [one.returncode for one in started.values()] == [0, 0]
    assert answers.split() == list(ASKED.values())
    assert list(tmp_path.iterdir()) == []
