"""Exit codes of all commands with standard descriptors closed or without a reader.

1 always means a broken promise, never that a stream could not be written. A quick run takes
a quarter of the combinations, and all in a soak.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from tests import sampling
from tests.e2e.command import DEADLINE, FITNESS, environment
from tests.e2e.test_commands import BROKEN, KEPT, UNDECIDED, run_of

NO_READER = 128 + signal.SIGPIPE
PROFILE = """
about = "The smallest possible profile."
[run]
rounds = 1
values = 1
block = "1ms"
stamps = 100
[[cells]]
patterns = ["latency"]
transports = ["null"]
sizes = ["64"]
placements = ["same-core"]
"""
CHECK = ("check", "run", "--thresholds")

COMMANDS: dict[str, tuple[tuple[str, ...], int | tuple[int, ...]]] = {
    "run": (("run", "--clock", "fake", "--profile", "tiny.toml", "-o", "new"), 0),
    "list": (("list",), 0),
    "list --json": (("list", "--json"), 0),
    "doctor": (("doctor",), FITNESS),
    "report": (("report", "run"), 0),
    "check, kept": ((*CHECK, "kept.toml"), 0),
    "check, broken": ((*CHECK, "broken.toml"), 1),
    "check, inconclusive": ((*CHECK, "undecided.toml"), 2),
    "check --json": ((*CHECK, "undecided.toml", "--json"), 2),
    "clean": (("clean",), 0),
    "clean --orphans": (("clean", "--orphans"), 0),
    "no command": ((), 0),
    "--help": (("--help",), 0),
    "--version": (("--version",), 0),
    "run --help": (("run", "--help"), 0),
}
REFUSED = {
    "check of no folder": ("check", "gone"),
    "unknown command": ("nothing",),
    "unknown option": ("run", "--nothing"),
    "option without its other": ("clean", "--remove"),
}


@dataclass(frozen=True)
class Streams:
    """Closed descriptors, and descriptors of pipes whose reader has exited."""

    closed: tuple[int, ...] = ()
    unread: tuple[int, ...] = ()

    def __str__(self) -> str:
        return " ".join([f"{fd}>&-" for fd in self.closed] + [f"{fd}|" for fd in self.unread])


STREAMS = [
    Streams((0,)),
    Streams((1,)),
    Streams((2,)),
    Streams((0, 1)),
    Streams((0, 2)),
    Streams((1, 2)),
    Streams((0, 1, 2)),
    Streams((), (1,)),
    Streams((), (2,)),
    Streams((), (1, 2)),
    Streams((0,), (1,)),
    Streams((0, 2), (1,)),
    Streams((0, 1), (2,)),
]


def combinations(commands: Iterable[str]) -> list[tuple[str, Streams]]:
    """Draw a quarter of the combinations; return all in a soak."""
    every = list(product(commands, STREAMS))
    return sampling.some(every, len(every) // 4)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished run and the files that the commands name."""
    folder = tmp_path_factory.mktemp("place")
    run_of(folder / "run")
    for name, text in {
        "tiny.toml": PROFILE,
        "kept.toml": KEPT,
        "broken.toml": BROKEN,
        "undecided.toml": UNDECIDED,
    }.items():
        (folder / name).write_text(text)
    return folder


def run(arguments: tuple[str, ...], streams: Streams, place: Path, new: Path) -> tuple[int, str]:
    """Run a command; return its exit code and the output on the streams that are read."""
    words = [str(new) if word == "new" else word for word in arguments]
    redirected = " ".join(f"{fd}>&-" for fd in streams.closed)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {redirected}', "sh", sys.executable, "-m", "ipcbench", *words],
            stdin=subprocess.DEVNULL,
            stdout=writing if 1 in streams.unread else subprocess.PIPE,
            stderr=writing if 2 in streams.unread else subprocess.PIPE,
            text=True,
            timeout=DEADLINE,
            cwd=place,
            env=environment(),
            check=False,
        )
    finally:
        os.close(writing)
    return done.returncode, (done.stdout or "") + (done.stderr or "")


@pytest.mark.parametrize(("name", "streams"), combinations(COMMANDS), ids=str)
def test_a_command_exits_with_its_own_code(
    name: str, streams: Streams, place: Path, tmp_path: Path
) -> None:
    arguments, own = COMMANDS[name]
    code, output = run(arguments, streams, place, tmp_path / "run")
    allowed = own if isinstance(own, tuple) else (own,)
    assert code in ((NO_READER,) if 1 in streams.unread else allowed), output
    assert "Traceback" not in output
    assert "Exception ignored" not in output
    assert "Error" not in output


@pytest.mark.parametrize(("name", "streams"), combinations(REFUSED), ids=str)
def test_a_refusal_exits_with_3(name: str, streams: Streams, place: Path, tmp_path: Path) -> None:
    code, output = run(REFUSED[name], streams, place, tmp_path / "run")
    assert code == 3, output
    assert output.count("\n") == (2 not in (*streams.closed, *streams.unread)), output


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_reported_in_one_line(name: str, place: Path, tmp_path: Path) -> None:
    words = [str(tmp_path / "run") if word == "new" else word for word in COMMANDS[name][0]]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ipcbench", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE,
            cwd=place,
            env=environment(),
            check=False,
        )
    assert done.returncode == 3
    last = done.stderr.splitlines()[-1]
    assert last == "Error: the output cannot be written: No space left on device"
    assert done.stderr.count("Error") == 1
