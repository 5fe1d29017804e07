"""Commands under a confinement: their results, and a check that they leave nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ipcbench.bench.results.results import CellResult, Results, Status, load
from ipcbench.transports.kernel_objects.home import PREFIX
from tests.e2e.command import DEADLINE, environment
from tests.faults.confined import CANNOT, NOBODY, Confinement


@dataclass(frozen=True)
class Sandbox:
    """Folders of a test's commands: `folder` for results, `home` for ledgers and sockets."""

    folder: Path
    home: Path

    @property
    def results(self) -> Path:
        return self.folder / "run"

    def run(
        self, confinement: Confinement, *arguments: str | Path, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command; check that it prints no traceback and leaves nothing behind."""
        if confinement.user and not os.getuid():
            os.chown(self.folder, NOBODY, NOBODY)
            os.chown(self.home, NOBODY, NOBODY)
        more = {"XDG_RUNTIME_DIR": str(self.home), "IPCBENCH_TEST": str(self.folder), **more}
        done = subprocess.run(
            confinement.wrapped([sys.executable, "-m", "ipcbench", *map(str, arguments)]),
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=DEADLINE,
            cwd=self.folder,
            env=environment(**more),
            check=False,
        )
        if done.returncode == CANNOT:
            pytest.skip(done.stderr.strip())
        assert "Traceback" not in done.stderr, done.stderr
        assert not self.processes()
        assert self.left() == []
        return done

    def sweep(
        self, confinement: Confinement, *arguments: str, **more: str
    ) -> tuple[subprocess.CompletedProcess[str], Results]:
        """Run the smoke profile with the fake clock, for what the arguments select."""
        done = self.run(
            confinement, "run", "--profile", "smoke", "--clock", "fake",
            *arguments, "-o", self.results, **more,
        )  # fmt: skip
        assert (self.results / "report.html").exists(), done.stderr
        return done, load(self.results)

    def unavailable(self, confinement: Confinement, **more: str) -> dict[str, tuple[str, str]]:
        """Return the transports that `list` reports as unavailable: name -> (reason, remedy).

        Transports in huge pages are left out: most machines have no huge pages.
        """
        done = self.run(confinement, "list", "--json", **more)
        assert done.returncode == 0, done.stderr
        entries: list[dict[str, Any]] = json.loads(done.stdout)
        return {
            entry["name"]: (entry["reason"], entry["remedy"])
            for entry in entries
            if not entry["available"] and not entry["name"].endswith("/huge")
        }

    def page(self) -> str:
        return (self.results / "report.html").read_text()

    def left(self) -> list[str]:
        """List ledgers, which stay as long as any object that they name, and files beside them."""
        return [str(path) for path in self.home.glob(f"**/{PREFIX}*/*")]

    def processes(self) -> list[str]:
        """List processes with this test's mark in their environment: proc_pid_environ(5)."""
        mark = f"IPCBENCH_TEST={self.folder}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes().split(b"\0"):
                    found.append(str(path))
        return found


def failed(results: Results) -> list[CellResult]:
    return results.with_status(Status.FAILED)


def why_skipped(results: Results, transport: str) -> set[tuple[str, str]]:
    """Return (reason, remedy) of a transport's skipped cells."""
    return {
        (one.skipped.reason, one.skipped.remedy)
        for one in results.with_status(Status.SKIPPED)
        if one.skipped is not None and one.cell.transport == transport
    }


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the only line that a refused command writes."""
    assert done.returncode == 3, (done.stdout, done.stderr)
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("  0%")]
    assert len(lines) == 1, done.stderr
    return lines[0]
