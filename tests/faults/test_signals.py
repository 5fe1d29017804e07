"""Ctrl-C, SIGTERM and SIGHUP at any moment: one line says what is kept, and nothing is left behind.

A signal is sent to all processes of a command, as a terminal does it, from the moment at which
the command's own code runs; before that, Python's start answers in its own way.
"""

from __future__ import annotations

import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ipcbench.bench.results.results import load
from ipcbench.transports.testing.leaks import left_since, outliving
from tests import sampling
from tests.e2e.command import DEADLINE, FITNESS, environment, ipcbench, lines, wait_for
from tests.e2e.test_commands import KEPT, run_of

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SMOKE = ("run", "--clock", "fake", "--profile", "smoke", "--pattern", "latency")
SOME = ("-t", "pipe", "-t", "sysv-queue", "-t", "shm:posix+posix-sem")
SLOW = ("run", "--clock", "fake", "--profile", "smoke", "--pattern", "latency", "-t", "dawdles")


@dataclass
class Command:
    """A command in a session of its own, with a folder for its ledgers."""

    process: subprocess.Popen[str]
    home: Path
    output: str = field(default="")
    errors: str = field(default="")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the command and what it has started in its process group."""
        with suppress(ProcessLookupError):  # it has ended
            os.killpg(self.process.pid, number)

    def end(self) -> int:
        self.output, self.errors = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode

    @property
    def told(self) -> str:
        return (self.errors.splitlines() or [""])[-1]

    def left(self) -> list[str]:
        """The files below its home, and the processes of its session."""
        files = [name for _, _, names in os.walk(self.home) for name in names]
        return files + [str(pid) for pid in members(self.process.pid)]


def members(session: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] not in "ZX":
                found.append(int(folder.name))
    return found


@contextmanager
def begun(tmp_path: Path, *words: str | Path, plugins: bool = False) -> Iterator[Command]:
    """Start a command, and wait until its own code handles the signals."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "ipcbench", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(plugins=plugins, XDG_RUNTIME_DIR=str(home)),
        start_new_session=True,
        # This run of the tests may ignore them, as a job in the background or nohup does.
        preexec_fn=lambda: [
            signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)
        ],
    )
    command = Command(process, home)
    try:
        # Python itself handles SIGINT alone.
        wait_for("a handler of SIGTERM", lambda: catches(process.pid, signal.SIGTERM))
        yield command
    finally:
        process.kill()
        process.communicate()


def catches(pid: int, number: signal.Signals) -> bool:
    """Tell if a process handles a signal: proc_pid_status(5)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return True  # a zombie


def well_told(command: Command, code: int, number: signal.Signals, own: Sequence[int]) -> None:
    """Check the last words of a command that a signal has ended, or that was over by then."""
    assert code in (128 + number, *own), command.errors
    for noise in ("Traceback", "Aborted", "ignored", "Interrupted"):
        assert noise not in command.errors
    if code == 128 + number:
        assert command.told.startswith("Stopped"), command.errors


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run and a file of promises that it keeps."""
    folder = tmp_path_factory.mktemp("signals")
    run_of(folder / "run")
    (folder / "thresholds.toml").write_text(KEPT)
    return folder


# command -> (words, seconds that it takes about, own exit codes)
COMMANDS = {
    "list": (("list",), 1.2, (0,)),
    "doctor": (("doctor",), 3.0, FITNESS),
    "clean": (("clean",), 0.5, (0,)),
    "report": (("report", "RUN"), 4.0, (0,)),
    "check": (("check", "RUN", "--thresholds", "PROMISES"), 1.2, (0,)),
    "run": ((*SMOKE, *SOME, "-o", "NEW"), 8.0, (0,)),
}
# The first tenth of a second has its share: there the command is imported.
MOMENTS = [(name, number, index) for name in COMMANDS for number in SIGNALS for index in range(10)]


@pytest.mark.parametrize(
    ("name", "number", "index"),
    sampling.some(MOMENTS, 4),
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_signal_at_any_moment(
    name: str, number: signal.Signals, index: int, place: Path, tmp_path: Path
) -> None:
    words, takes, own = COMMANDS[name]
    files = {
        "RUN": tmp_path / "run",
        "PROMISES": place / "thresholds.toml",
        "NEW": tmp_path / "new",
    }
    shutil.copytree(place / "run", tmp_path / "run")
    draw = random.Random(f"{sampling.SEED}/{name}/{number}/{index}")
    moment = draw.uniform(0, 0.1) if index < 3 else draw.uniform(0, takes)
    twice = draw.uniform(0, 0.3) if index == 9 else None
    before = outliving()
    with begun(tmp_path, *(files.get(word, word) for word in words)) as command:
        time.sleep(moment)
        command.send(number)
        if twice is not None:
            time.sleep(twice)
            command.send(number)
        well_told(command, command.end(), number, own)
    with suppress(AssertionError):  # the processes of its session end by themselves
        wait_for("the end of its processes", lambda: not members(command.process.pid))
    assert command.left() == []
    assert not left_since(before, outliving)
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]  # drafts


def test_a_signal_before_anything_has_begun(tmp_path: Path) -> None:
    with begun(tmp_path, *SMOKE, "-o", tmp_path / "new") as command:
        command.send(signal.SIGINT)
        assert command.end() == 130
    assert command.errors == "Stopped by Ctrl-C: nothing has begun; run the command again\n"
    assert not (tmp_path / "new").exists()


def obey(told: str, words: str) -> None:
    """Do what the last line says."""
    command = shlex.split(told[told.index(words) :].partition(";")[0])
    assert command[0] == "ipcbench"
    done = ipcbench(*command[1:], plugins=True)
    assert done.returncode == 0, done.stderr


def mapped(pid: int, library: str) -> Callable[[], bool]:
    return lambda: library in Path(f"/proc/{pid}/maps").read_text()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_the_page_is_written(number: signal.Signals, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with begun(tmp_path, *SMOKE, "-t", "pipe", "-o", folder) as command:
        wait_for("the drawing of figures", mapped(command.process.pid, "matplotlib"))
        command.send(number)
        assert command.end() == 128 + number, command.errors
    assert "the measurements are kept, but the page is not written" in command.told
    assert not (folder / "report.html").exists()
    obey(command.told, "ipcbench report")
    assert (folder / "report.html").exists()


def test_a_signal_while_a_page_is_written_again(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(place / "run", folder)
    with begun(tmp_path, "report", folder) as command:
        wait_for("the drawing of figures", mapped(command.process.pid, "matplotlib"))
        command.send(signal.SIGINT)
        assert command.end() == 130, command.errors
    assert command.errors == (
        "Stopped by Ctrl-C: the page may be the earlier one; run the command again\n"
    )


@pytest.mark.parametrize("number", sampling.some(SIGNALS, 1))
def test_a_second_signal_stops_a_sweep_at_once(number: signal.Signals, tmp_path: Path) -> None:
    folder = tmp_path / "new folder"
    with begun(tmp_path, *SLOW, "-t", "null", "-o", folder, plugins=True) as command:
        wait_for("a run", lambda: lines(folder, "run") >= 1)
        command.send(number)
        time.sleep(0.1)
        command.send(number)
        code = command.end()
    if code == 0:  # the run was over, and the page is written: the second signal came later
        pytest.skip("the second signal was too late")
    assert code == 128 + number, command.errors
    assert "stopping after this run; a second signal stops at once" in command.errors
    assert "the measurements are kept" in command.told
    runs = lines(folder, "run")
    assert runs >= 1
    obey(command.told, "ipcbench report")
    obey(command.told, "ipcbench run --resume")
    assert lines(folder, "run") > runs


def test_a_sweep_that_was_stopped_says_how_to_continue(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with begun(tmp_path, *SLOW, "-t", "null", "-o", folder, plugins=True) as command:
        wait_for("a run", lambda: lines(folder, "run") >= 1)
        command.send(signal.SIGINT)
        assert command.end() == 0, command.errors
    ended = load(folder).ended
    assert ended is not None
    assert ended.reason == "interrupted"
    assert "the page has all that was measured; continue:" in command.told
    obey(command.told, "ipcbench run --resume")


def test_a_sweep_that_has_measured_nothing_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with begun(tmp_path, *SLOW, "-t", "null", "-o", folder, plugins=True) as command:
        wait_for("the journal", lambda: (folder / "journal.jsonl").exists())
        command.send(signal.SIGTERM)
        assert command.end() == 143, command.errors
    assert "nothing was measured yet; continue: ipcbench run --resume" in command.told
    obey(command.told, "ipcbench run --resume")


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """`nohup`, and a shell without job control that starts a job in the background."""
    words = shlex.join([sys.executable, "-m", "ipcbench", "list"])
    again = "while kill -INT $pid 2>/dev/null; do sleep 0.02; done"  # until it has ended
    done = subprocess.run(
        ["sh", "-c", f"trap '' INT; {words} & pid=$!; {again}; wait $pid"],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(XDG_RUNTIME_DIR=str(tmp_path)),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "pipe" in done.stdout
