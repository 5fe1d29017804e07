"""Reservation of the machine: whatever fails at its end, the first error is the one reported."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcbench.bench.commands.errors import CommandError, guarded
from ipcbench.bench.errors import SweepError
from ipcbench.bench.machine import reservation
from ipcbench.bench.machine.clean_end import clean_end
from ipcbench.bench.machine.reservation import Reservation
from ipcbench.transports.kernel_objects.ledger import LEDGER_VARIABLE, Ledger

NO_FILES = OSError(24, "Too many open files", "/proc")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    before = os.environ.get(LEDGER_VARIABLE)
    yield
    assert os.environ.get(LEDGER_VARIABLE) == before


def failing(ledger: Ledger) -> list[str]:
    raise NO_FILES


def failed(error: Exception) -> None:
    with Reservation(exclusive=False):
        raise error


def test_the_first_error_is_reported_and_the_clean_up_noted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reservation, "clean_up", failing)
    with pytest.raises(CommandError) as caught:
        guarded(lambda: failed(SweepError("the disk is full", "make room")))
    assert caught.value.message == (
        "the disk is full: make room; then the clean-up failed as well: /proc: Too many open files"
    )


def test_an_error_of_the_clean_up_alone_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reservation, "clean_up", failing)
    with pytest.raises(OSError, match="Too many open files"), Reservation(exclusive=False):
        pass


def test_the_cleanup_process_removes_what_the_command_could_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reservation, "clean_up", failing)
    with pytest.raises(OSError, match="Too many"), Reservation(exclusive=False) as machine:
        ledger = machine._ledger
    assert not ledger.path.exists()


def test_a_killed_cleanup_process_hides_no_error() -> None:
    with pytest.raises(SweepError, match="the disk is full"), Reservation(exclusive=False) as one:
        os.kill(one._guardian._process.pid, signal.SIGKILL)
        one._guardian._process.wait()
        raise SweepError("the disk is full")


def test_each_step_is_carried_out() -> None:
    done: list[int] = []

    def stop() -> None:
        done.append(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clean_end(None, stop, lambda: done.append(2))
    assert done == [1, 2]
