"""Processes in namespaces of their own, as in a container, by unshare(1)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.e2e.command import DEADLINE, environment

PIDS = ("--pid", "--fork", "--mount-proc", "--kill-child")
IPC = ("--ipc",)

# Creates channels, prints their names, and ends when its input does.
HOLDER = """
import sys
from ipcbench.transports.contract import Spec
from ipcbench.transports.kernel_objects.ledger import current, standing
from ipcbench.transports.registry import get
channels = [get(name).create(Spec(size=64)) for name in sys.argv[1:]]
print(*(f"{kind}={name}" for kind, name in standing(current())), sep="|", flush=True)
sys.stdin.read()
"""


@cache
def refusal(*options: str) -> str:
    """Return the reason why these namespaces cannot be created here, or ""."""
    if shutil.which("unshare") is None:
        return "unshare(1) is not installed"
    tried = subprocess.run(["unshare", *options, "true"], capture_output=True, text=True)
    return tried.stderr.strip() if tried.returncode else ""


def inside(*options: str) -> list[str]:
    """Return the beginning of a command in new namespaces; skip the test where they cannot be."""
    if reason := refusal(*options):
        pytest.skip(f"no namespaces of its own: {reason}")
    return ["unshare", *options]


@contextmanager
def holder(
    prefix: list[str], *transports: str, home: Path
) -> Iterator[tuple[subprocess.Popen[str], list[tuple[str, str]]]]:
    """Start a process with channels; yield it with the names that stand in its ledger."""
    process = subprocess.Popen(
        [*prefix, sys.executable, "-c", HOLDER, *transports],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(XDG_RUNTIME_DIR=str(home)),
    )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line, "the holder has ended"
            pairs = (each.partition("=") for each in line.split("|"))
            yield process, [(kind, name) for kind, _, name in pairs]
        finally:
            process.kill()


def command(prefix: list[str], *arguments: str | Path, **more: str) -> str:
    """Run the command in namespaces; return its output. It must end with 0."""
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "ipcbench", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(**more),
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stdout
