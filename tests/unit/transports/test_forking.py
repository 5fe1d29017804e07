"""Tests of forking: a child exits whatever it raises, and never returns to the parent's code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ipcbench.bench.workers import process
from ipcbench.transports.base.forking import fork_child

ROOT = Path(__file__).parents[3]
RETURNED = 99  # the exit code of a child that came back here


class Refusing(io.StringIO):
    """Standard stream that refuses every write."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


class Interrupting(io.StringIO):
    def flush(self) -> None:
        raise KeyboardInterrupt


def ended(fork: Callable[[Callable[[], int]], int], body: Callable[[], int]) -> int:
    """Fork a child that calls `body`; return its exit code."""
    parent = os.getpid()
    try:
        pid = fork(body)
    finally:
        if os.getpid() != parent:
            os._exit(RETURNED)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def raises(error: BaseException) -> Callable[[], int]:
    def body() -> int:
        raise error

    return body


FORKS = pytest.mark.parametrize("fork", [fork_child, process.fork], ids=["fork_child", "fork"])
ERRORS = [RuntimeError("x"), SystemExit(0), KeyboardInterrupt(), GeneratorExit(), MemoryError()]


@FORKS
def test_the_code_that_is_returned_is_the_exit_code(
    fork: Callable[[Callable[[], int]], int],
) -> None:
    assert ended(fork, lambda: 0) == 0
    assert ended(fork, lambda: 7) == 7


@FORKS
@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize(
    "stream", [None, Refusing(), Interrupting()], ids=lambda one: repr(one)[:20]
)
def test_a_child_that_raises_ends(
    fork: Callable[[Callable[[], int]], int],
    error: BaseException,
    stream: io.StringIO | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    assert ended(fork, raises(error)) == 1


@pytest.mark.parametrize(("stream", "code"), [(None, 0), (Refusing(), 0), (Interrupting(), 1)])
def test_a_child_that_cannot_flush_ends(
    stream: io.StringIO | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    assert ended(process.fork, lambda: 0) == code


def test_an_exception_is_written_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    assert ended(fork_child, raises(RuntimeError("of its own"))) == 1
    assert "RuntimeError: of its own" in capfd.readouterr().err


def test_a_failed_flush_is_reported(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Refusing())
    assert ended(process.fork, lambda: 0) == 0
    assert "standard output cannot be written: [Errno 28]" in capfd.readouterr().err


def test_nothing_else_forks() -> None:
    """All forks go through the one function whose child cannot return."""
    found = {
        str(path.relative_to(ROOT))
        for folder in ("bench", "reports", "transports")
        for path in (ROOT / folder).rglob("*.py")
        if "os.fork(" in path.read_text()
    }
    assert found == {"transports/base/forking.py"}
