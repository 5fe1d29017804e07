"""The chapter's programs, each in a process of its own that gets arguments and lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
TIME_LIMIT = 20.0  # seconds


class Program:
    """A running program that answers a line with a line."""

    def __init__(self, module: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"tests.chapter.{module}", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        return _open(self.process.stdout).readline().rstrip()

    def ask(self) -> str:
        stdin = _open(self.process.stdin)
        stdin.write("\n")
        stdin.flush()
        return self.line()

    def end(self) -> tuple[int, str]:
        """Close its standard input; return its exit status and the rest of its output."""
        try:
            text, _ = self.process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, text


def _open(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def output(module: str, *arguments: str) -> str:
    """Run a program without input and return its output. It must succeed."""
    status, text = Program(module, *arguments).end()
    assert status == 0, text
    return text
