"""Each command from the user's side: help, output for people and machines, exit codes."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import resource
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.cli import cli
from ipcbench.bench.machine.lock import NAME
from ipcbench.bench.results.records import Skipped
from ipcbench.bench.results.results import Results, load
from ipcbench.bench.version import VERSION
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.kernel_objects.ledger import LEDGER_VARIABLE, Ledger, standing
from ipcbench.transports.registry import BrokenPlugin, get, names
from tests import synthetic
from tests.e2e.command import (
    DEADLINE,
    FITNESS,
    environment,
    findings,
    ipcbench,
    lines,
    started,
    wait_for,
)

TINY = ("--clock", "fake", "--profile", "smoke", "-t", "null", "--pattern", "latency", "-s", "64")
SCRIPT = Path(sys.executable).with_name("ipcbench")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, which no test changes: `copied` is for that."""
    folder = tmp_path_factory.mktemp("commands") / "run"
    done = ipcbench("run", *TINY, "-t", "pipe", "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


# Help.


@pytest.mark.parametrize("command", ["", *cli.commands])
def test_help_has_an_example(command: str) -> None:
    done = ipcbench(*command.split(), "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "Example:\n" in done.stdout
    assert f"  ipcbench {command}" in done.stdout.partition("Example:")[2]


@pytest.mark.parametrize("command", cli.commands)
def test_every_option_has_a_help_text(command: str) -> None:
    for option in cli.commands[command].params:
        if option.param_type_name == "option":
            assert getattr(option, "help", ""), option.name


def test_no_command_at_all_shows_the_help() -> None:
    assert ipcbench().stdout == ipcbench("--help").stdout
    assert ipcbench().returncode == 0


def test_the_console_script_is_the_module() -> None:
    for arguments in (["--version"], ["run", "--help"], ["run", "--profile", "nope"]):
        script = subprocess.run(
            [SCRIPT, *arguments], capture_output=True, text=True, env=environment(), check=False
        )
        module = ipcbench(*arguments)
        assert (script.returncode, script.stdout, script.stderr) == (
            module.returncode,
            module.stdout,
            module.stderr,
        )
    assert VERSION in ipcbench("--version").stdout


def test_a_pattern_that_no_profile_has_is_measured_with_names(tmp_path: Path) -> None:
    done = ipcbench(
        *RUN, "pipe", "--pattern", "pairs-latency", "--placement", "same-core", "-s", "64",
        "-o", tmp_path / "run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = {result.cell.id for result in load(tmp_path / "run").ok()}
    assert "pairs-latency/pipe/python/64B/4p/same-core" in found


# The transports and the machine.


def test_list_shows_all_transports() -> None:
    done = ipcbench("list")
    assert done.returncode == 0
    shown = [line.split()[0] for line in done.stdout.splitlines() if line[0] != " "]
    assert shown[: 1 + len(names())] == ["transport", *names()]


def test_list_names_the_patterns_that_a_transport_can_do() -> None:
    """Not topologies, which no option takes."""
    rows = re.split(r"\n(?=\S)", ipcbench("list").stdout)
    words = {row.split()[0]: set(re.findall(r"[\w-]+", row)) for row in rows}
    assert words["pipe"] >= {"latency", "stream", "pairs", "fan-in", "fan-out", "echo"}
    assert words["sysv-queue:types"].isdisjoint({"fan-in", "fan-out", "echo", "link"})
    assert words["eventfd"] >= {"signal", "counter"}


def test_list_for_machines() -> None:
    found = json.loads(ipcbench("list", "--json").stdout)
    assert [entry["name"] for entry in found] == names()
    for entry in found:
        if entry["available"]:
            assert {"family", "framing", "topologies", "peer_death", "copies"} <= set(
                entry["traits"]
            )
            assert entry["native"]["available"] or entry["native"]["reason"]
            for limit in entry["limits"]:
                assert limit["name"]
                assert limit["source"]
                assert limit["value"] is None or limit["value"] > 0
        else:
            assert entry["reason"]


def test_list_shows_a_broken_plug_in(tmp_path: Path) -> None:
    (tmp_path / "broken-1.dist-info").mkdir()
    (tmp_path / "broken-1.dist-info/METADATA").write_text("Name: broken\nVersion: 1\n")
    (tmp_path / "broken-1.dist-info/entry_points.txt").write_text(
        "[ipcbench.transports]\nbroken = no_such_module:Broken\n"
    )
    done = ipcbench("list", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "unavailable: its plug-in does not load" in done.stdout


def test_doctor() -> None:
    words = {"ok", "note", "warning", "problem"}
    done = ipcbench("doctor")
    assert done.returncode in FITNESS, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first.startswith("This machine is ")
    assert {line.split()[0] for line in rest if line[0] != " "} <= words
    found = ipcbench("doctor", "--json")
    told = findings(found.stdout)
    assert {"CPUs", "foreign time", "other processes", "steal", "load"} <= {
        one["topic"] for one in told
    }
    assert all(one["text"] for one in told)
    assert {one["severity"] for one in told} <= words
    assert all(one["remedy"] for one in told if one["severity"] in ("warning", "problem"))
    verdict = json.loads(found.stdout)
    assert verdict["exit_code"] == found.returncode
    unfit = any(one["severity"] == "problem" for one in told)
    assert (verdict["verdict"] == "not fit to measure on") == unfit == (found.returncode == 2)


# The report.


def test_report_writes_page_and_suite_again(copied: Path) -> None:
    made = ["report.html", "suite.json"]
    before = {name: (copied / name).read_bytes() for name in made}
    for name in made:
        (copied / name).unlink()
    done = ipcbench("report", copied)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"page: {copied / 'report.html'}\n"
    assert {name: (copied / name).read_bytes() for name in made} == before


def test_show_has_the_answers_of_a_run(tmp_path: Path) -> None:
    planned = synthetic.cells(("pipe", "unix-stream", "shm:posix+posix-sem"), sizes=(64,))
    found = synthetic.sweep(lambda name, *_: len(name) * 1e-6, planned)
    copied = synthetic.write_journal(found, tmp_path / "run").parent
    done = ipcbench("show", copied)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Trust: ")
    assert "\nPython, " in done.stdout
    done = ipcbench("show", copied, "--task", "small-request", "-s", "64")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("small-request: ")
    assert all(
        one["task"] == "small-request"
        for one in json.loads(ipcbench("show", copied, "--task", "small-request", "--json").stdout)
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--task", "small-requests"), "unknown task 'small-requests' (did you mean"),
        (("--pattern", "nothing"), "unknown pattern 'nothing'"),
        (("-s", "64X"), "'64X' is not a size"),
        (("-s", "63"), "no answer to show; an answer needs two facilities"),
    ],
)
def test_show_refuses_what_it_has_not(copied: Path, words: tuple[str, ...], text: str) -> None:
    done = ipcbench("show", copied, *words)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert text in done.stderr


def test_export_writes_the_rows_of_a_run(copied: Path, tmp_path: Path) -> None:
    done = ipcbench("export", copied)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("cell,transport,runtime,pattern,size,")
    assert len(done.stdout.splitlines()) == 1 + len(load(copied).cells)
    file = tmp_path / "contests.json"
    done = ipcbench("export", copied, "--format", "json", "--rows", "contests", "-o", file)
    assert (done.returncode, done.stdout) == (0, "")
    assert isinstance(json.loads(file.read_text()), list)
    assert ipcbench("report", copied).returncode == 0
    assert (copied / "results.csv").read_text() == ipcbench("export", copied).stdout


def test_export_writes_to_a_device_or_a_fifo_and_does_not_replace_it(
    copied: Path, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert ipcbench("export", copied, "-o", fifo).returncode == 0
        assert os.read(reader, 10).startswith(b"cell,")
    finally:
        os.close(reader)
    assert fifo.is_fifo()
    assert ipcbench("export", copied, "-o", "/dev/stdout").stdout.startswith("cell,")


def test_export_to_a_folder_that_is_missing_is_one_line(copied: Path, tmp_path: Path) -> None:
    done = ipcbench("export", copied, "-o", tmp_path / "missing/file.csv")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert "missing/file.csv: No such file or directory" in done.stderr


def test_report_for_machines(copied: Path) -> None:
    written = json.loads(ipcbench("report", copied, "--json").stdout)
    assert written == {"folder": str(copied), "page": str(copied / "report.html")}


# The gate.

SHM = "shm:posix+posix-sem"
FAST, SLOW, GONE = "pipe", "unix-stream", "sysv-queue"
PROMISE = """
[[promise]]
name = "{faster} beats {than}"
faster = {{ transport = "{faster}" }}
than = {{ transport = "{than}" }}
where = {{ pattern = "latency", size = "64", processes = 2, placement = "same-core" }}
at_least = "{bound}"
"""


def run_of(folder: Path, *, rounds: int = 12) -> Path:
    """Write a run: a pipe 1.5 times as fast as a socket, its control, and a skipped queue."""
    planned = synthetic.cells((FAST, SLOW), sizes=(64,))
    gone = msgspec.structs.replace(planned[0], transport=GONE)

    def time(transport: str, *_: object) -> float:
        return 2e-6 if transport == FAST else 3e-6

    found: Results = synthetic.sweep(
        time,
        planned,
        rounds=rounds,
        twins=planned[:1],
        skipped=[Skipped(cell=gone, reason="there is none", remedy="make one")],
    )
    return synthetic.write_journal(found, folder).parent


KEPT = PROMISE.format(faster=FAST, than=SLOW, bound="1.2x")
BROKEN = PROMISE.format(faster=SLOW, than=FAST, bound="1.2x")
UNDECIDED = KEPT.replace("1.2x", "1.5x").replace("name = ", 'name = "even" #')
UNMEASURED = PROMISE.format(faster=FAST, than=GONE, bound="1.2x")


@pytest.mark.parametrize(
    ("promises", "code", "text"),
    [
        ([KEPT], 0, "kept"),
        ([BROKEN, KEPT], 1, "broken"),
        ([UNDECIDED, KEPT], 2, "inconclusive"),
        ([UNMEASURED, KEPT], 3, "there is none (make one)"),
        ([BROKEN, UNDECIDED, UNMEASURED], 1, "broken"),
        ([UNDECIDED, UNMEASURED], 3, "not measured"),
    ],
    ids=["kept", "broken", "inconclusive", "not measured", "broken first", "unmeasured second"],
)
def test_check_exits_with_the_verdict(
    promises: Sequence[str], code: int, text: str, tmp_path: Path
) -> None:
    run_of(tmp_path / "run")
    (tmp_path / "thresholds.toml").write_text("".join(promises))
    done = ipcbench("check", "run", cwd=tmp_path)  # thresholds.toml is the default
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr == ""
    assert text in " ".join(done.stdout.split())
    machines = ipcbench("check", "run", "--json", cwd=tmp_path)
    assert machines.returncode == code
    verdict = json.loads(machines.stdout)
    assert verdict["exit_code"] == code
    assert len(verdict["lines"]) == len(promises)


def test_too_few_rounds_are_inconclusive(tmp_path: Path) -> None:
    run_of(tmp_path / "run", rounds=5)
    (tmp_path / "thresholds.toml").write_text(KEPT)
    assert ipcbench("check", "run", cwd=tmp_path).returncode == 2


def test_promised_cells_are_measured_and_checked(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(KEPT)
    done = ipcbench(
        "run", "--clock", "fake", "--profile", "smoke", "--promised", "t.toml", "-o", "run",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "0 of 1 promise decided" in done.stdout
    measured = {result.cell.transport for result in load(tmp_path / "run").ok()}
    assert measured == {FAST, SLOW}
    done = ipcbench("check", "run", "--thresholds", "t.toml", cwd=tmp_path)
    assert done.returncode == 2
    # The remedy suffices.
    reason, _, rest = done.stdout.partition(" rounds in common, a verdict takes 6:")
    assert reason != done.stdout
    command = shlex.split(rest.splitlines()[1])
    assert command[:2] == ["ipcbench", "run"]
    done = ipcbench(*command[1:], "--clock", "fake", "-o", "again", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 promise decided" in done.stdout
    assert load(tmp_path / "again").header.profile == "smoke"
    done = ipcbench("check", "again", "--thresholds", "t.toml", cwd=tmp_path)
    assert done.returncode in {0, 1}
    assert "judged once" not in done.stdout


def test_a_sweep_until_decided_is_stopped_resumed_and_checked(tmp_path: Path) -> None:
    """The interrupt comes in the middle: the looks and the verdict are those of one sweep."""
    promises, run = tmp_path / "t.toml", tmp_path / "run"
    promises.write_text(KEPT)
    until = ("--clock", "fake", "--profile", "smoke", "--promised", promises, "--until-decided")
    with started("run", *until, "-o", run) as process:
        wait_for("a round", lambda: lines(run, "round"))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, errors
    check = ("check", run, "--thresholds", promises)
    done = ipcbench(*check)
    assert done.returncode == 2, done.stdout
    assert f"a verdict takes 8: ipcbench run --resume {run} " in f"{' '.join(done.stdout.split())} "
    done = ipcbench("run", "--resume", run)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 promise decided" in done.stdout
    assert len(load(run).looks) == 1
    assert ipcbench(*check).returncode in {0, 1}


SMOKE = ("--profile", "smoke", "--promised", "t.toml")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["run", "--until-decided"], "--until-decided: name the file of promises with --promised"),
        (["run", "--resume", "run", "--until-decided"], "leave the others out"),
        (["run", "--budget", "soon", *SMOKE, "--until-decided"], "--budget: "),
    ],
)
def test_until_decided_is_refused_in_one_line(
    arguments: Sequence[str], text: str, tmp_path: Path
) -> None:
    (tmp_path / "t.toml").write_text(KEPT)
    run_of(tmp_path / "run")
    done = ipcbench(*arguments, cwd=tmp_path)
    assert done.returncode == 3
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


# Cleaning.


def test_a_sweep_leaves_its_callers_ledger_alone(tmp_path: Path) -> None:
    """The caller's environment may name the caller's own ledger, which is still empty."""
    mine = Ledger.open_new(os.getpid())
    try:
        arguments = (*RUN, "-t", "sysv-queue", "--pattern", "latency", "-o", tmp_path / "run")
        done = ipcbench(*arguments, **{LEDGER_VARIABLE: str(mine.path)})
        assert done.returncode == 0, done.stderr
        assert len(list(mine.entries())) == 1  # its owner
    finally:
        mine.discard()


def test_clean_reports_removed_objects(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    # A process writes its ledger, makes an object, and is killed.
    program = (
        "import os, signal\n"
        "from ipcbench.transports.contract import Spec\n"
        "from ipcbench.transports.registry import get\n"
        f"channel = get({SHM!r}).create(Spec(size=64))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    found = get(SHM)
    if isinstance(found, BrokenPlugin) or isinstance(found.probe(), Unavailable):
        pytest.skip("this machine has no shared memory to leave behind")
    env = environment(XDG_RUNTIME_DIR=str(runtime))
    killed = subprocess.run([sys.executable, "-c", program], env=env, check=False)
    assert killed.returncode == -signal.SIGKILL
    (path,) = runtime.rglob("*.ledger")
    names_left = {name.removeprefix("/") for _, name in standing(Ledger(path))}
    left = names_left & set(os.listdir("/dev/shm"))
    assert left
    cleaned = json.loads(ipcbench("clean", "--json", XDG_RUNTIME_DIR=str(runtime)).stdout)
    assert cleaned["removed"]
    assert not left & set(os.listdir("/dev/shm"))
    again = ipcbench("clean", XDG_RUNTIME_DIR=str(runtime))
    assert again.stdout == "0 objects removed\n"


# Bad input: one line with the fault and the remedy.

BAD_TOML = "about = 'x'\n[run\n"
UNKNOWN_KEY = "about = 'x'\ncolour = 'red'\n[run]\nrounds = 1\n[[cells]]\n"
UNKNOWN_AXIS = """
about = "x"
[run]
rounds = 1
[[cells]]
patterns = ["latency"]
sizes = ["64"]
placements = ["same-core"]
weight = 3
"""
FEW = """
about = "One cell."

[run]
rounds = 1
values = 1
block = "1ms"
stamps = 0

[[cells]]
patterns = ["latency"]
transports = ["pipe"]
sizes = ["64"]
placements = ["same-core"]

[[left-out]]
what = "sizes above 64 bytes"
why = "they take longer"
"""
RUN = ("run", "--clock", "fake", "--profile", "smoke")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rnu"], "No such command 'rnu'"),
        (["run", "--nope"], "No such option '--nope'"),
        (["run", "--profile", "nope"], "there are smoke, quick, standard, rigorous, or FILE.toml"),
        (["run", "--profile", "gone.toml"], "gone.toml: No such file"),
        (["run", "--profile", "bad.toml"], "profile bad: "),
        (["run", "--profile", "key.toml"], "colour"),
        (["run", "--profile", "axis.toml"], "weight"),
        ([*RUN, "-t", "nope"], "`ipcbench list` shows all"),
        ([*RUN, "-t", "shm:nope"], "nope"),
        ([*RUN, "--pattern", "nope"], "there are latency"),
        (
            [*RUN, "pipe", "--pattern", "latency", "-P", "4"],
            "latency has 2 processes: leave it out",
        ),
        ([*RUN, "*", "--pattern", "counter", "-s", "64"], "counter sends no messages: leave it"),
        ([*RUN, "--pattern", "latency", "eventfd"], "ask for --pattern signal instead"),
        ([*RUN, "tcp", "--pattern", "stream", "--pace", "pause:1ms"], "stream makes no pauses"),
        (["run", "--profile", "two.toml", "-P", "4", "-P", "8"], "-P 4: profile two has only 2"),
        ([*RUN, "--placement", "nope"], "there are same-core"),
        ([*RUN, "--runtime", "nope"], "unknown runtime 'nope': there are python, native"),
        ([*RUN, "-s", "4Q"], "write bytes as 64, 4K, 1M or 2G"),
        ([*RUN, "-s", "-1"], "'-1' is not a size"),
        ([*RUN, "-s", "1"], "-s 1: profile smoke has only 0, 64, 4K: leave it out, or measure"),
        ([*RUN, "--budget", "soon"], "write 90s, 3m or 1h"),
        ([*RUN, "--budget", "0s"], "write 90s, 3m or 1h"),
        ([*RUN, "-P", "65"], "a cell has 1 to 64 processes, not 65"),
        ([*RUN, "-P", "0"], "a cell has 1 to 64 processes, not 0"),
        ([*RUN, "pipe", "--pattern", "latency", "-P", "1"], "-P 1 leads to no cell"),
        ([*RUN, "-P", "many"], "'many' is not a valid integer"),
        ([*RUN, "--seed", "-1"], "-1 is not in the range"),
        ([*RUN, "-o", "full"], "full is not empty, and holds no run: choose another folder"),
        ([*RUN, "-o", "run"], "run holds a run: choose another folder"),
        ([*RUN, "-o", "garbage"], "garbage holds a run: choose another folder"),
        ([*RUN, "-o", ""], "it is empty: name a folder, or leave the option out"),
        ([*RUN, "-o", "."], "is not empty, and holds no run: choose another folder"),
        ([*RUN, "-o", "/"], "/ is not empty, and holds no run: choose another folder"),
        ([*RUN, "-o", "dangling"], "dangling is a link to gone, which does not exist: remove"),
        ([*RUN, "-o", "results/latest"], "results/latest is the link to the newest run: choose"),
        ([*RUN, "-o", "file/run"], "file is no folder: choose another folder with --output"),
        ([*RUN, "-o", "file"], "'file' is a file"),
        ([*RUN, "-o", "/sys/ipcbench"], "/sys/ipcbench: "),
        ([*RUN, "--promised", "gone.toml"], "'gone.toml' does not exist"),
        ([*RUN, "--promised", "bad.toml"], "bad.toml: "),
        (["run", "--resume", "full"], "full holds no run: it has no journal.jsonl"),
        (["run", "--resume", "gone"], "'gone' does not exist"),
        (["run", "--resume", "garbage"], "garbage"),
        (["run", "--resume", "run", "-t", "pipe"], "--resume repeats the options"),
        (["run", "--profile", ""], "unknown profile ''"),
        (["run", "--profile", "quik"], "(did you mean 'quick'?)"),
        (["run", "--clock", "slow", "pipe"], "'slow' is not one of"),
        ([*RUN, "pip"], "unknown transport 'pip' (did you mean pipe"),
        ([*RUN, "--pattern", "latncy"], "(did you mean 'latency'?)"),
        ([*RUN, "--placement", "same-cor"], "(did you mean 'same-core'?)"),
        ([*RUN, "--wait", "spinn"], "unknown wait 'spinn' (did you mean 'spin'?)"),
        ([*RUN, "--payload", "warm"], "there are hot, fresh, cold, array"),
        ([*RUN, "--task", "smal-request"], "(did you mean 'small-request'?)"),
        ([*RUN, "--pace", "load:500"], "'load:500' is no pace: write closed"),
        ([*RUN, "--looks", "0"], "looks = 0: 1 to 1000000"),
        ([*RUN, "--batch", "0"], "batch = 0: 1 to 1024"),
        ([*RUN, "--depth", "0"], "depth = 0: 1 to 1000000"),
        ([*RUN, "--rounds", "0"], "0 is not in the range"),
        ([*RUN, "--experiment", "nope"], "unknown experiment 'nope': there are lost-updates"),
        ([*RUN, "-s", "4KiBs"], "(4K is 4096, 4KB is 4000)"),
        ([*RUN, "--budget", ""], "'' is not a duration: write 90s, 3m or 1h"),
        ([*RUN, "--tail", "2h"], "--tail: 1h at most"),
        ([*RUN, "--until-decided"], "name the file of promises with --promised FILE"),
        ([*RUN, "--promised", "full"], "'full' is a directory"),
        ([*RUN, "pipe", "--dry-run", "--open"], "--dry-run writes no page: leave --open out"),
        (["run", "--resume", "none"], "none/journal.jsonl: the file is empty"),
        (["run", "--resume", "journal"], "journal/journal.jsonl: Is a directory"),
        (["show", "gone"], "'gone' does not exist"),
        (["show", "full"], "full holds no run"),
        (["show", "garbage"], "garbage/journal.jsonl:1: "),
        (["show", "none"], "none/journal.jsonl: the file is empty"),
        (["show", "run", "--task", "smallest"], "unknown task 'smallest'"),
        (["show", "run", "--pattern", "latncy"], "(did you mean 'latency'?)"),
        (["show", "run", "--placement", "here"], "'here' is not one of 'same-core'"),
        (["show", "run", "--runtime", "C"], "'C' is not one of 'python', 'native'"),
        (["show", "run", "-s", "4X"], "--size: '4X' is not a size"),
        (["show", "run", "-P", "x"], "'x' is not a valid integer"),
        (["export", "full"], "full holds no run"),
        (["export", "garbage"], "garbage/journal.jsonl:1: "),
        (["export", "run", "--format", "xls"], "'xls' is not one of 'csv', 'markdown', 'json'"),
        (["export", "run", "--rows", "cell"], "'cell' is not one of 'cells', 'contests'"),
        (["export", "run", "-o", "full"], "'full' is a directory"),
        (["export", "run", "-o", "file/x.csv"], "Not a directory"),
        (["export", "run", "-o", "/dev/full"], "/dev/full: No space left on device"),
        (["list", "nope"], "unknown transport 'nope'"),
        (["list", "patterns2"], "unknown list 'patterns2' (did you mean 'patterns'?)"),
        (["list", "tasks", "waits"], "tasks is a list of its own"),
        (["list", "shm:nope"], "no shared memory 'nope'"),
        (["doctor", "nope"], "unexpected extra argument (nope)"),
        (["clean", "nope"], "unexpected extra argument (nope)"),
        (["clean", "--remove"], "--remove is for --orphans"),
        (["report", "journal"], "journal/journal.jsonl: Is a directory"),
        (["report"], "Missing argument 'FOLDER'"),
        (["report", "gone"], "'gone' does not exist"),
        (["report", "full"], "full holds no run: it has no journal.jsonl"),
        (["report", "garbage"], "garbage"),
        (["check", "garbage", "--thresholds", "good.toml"], "garbage"),
        (["check", "run"], "'thresholds.toml' does not exist"),
        (["check", "run", "--thresholds", "bad.toml"], "bad.toml: "),
        (["check", "run", "--thresholds", "empty.toml"], "empty.toml: "),
        (["check", "run", "--thresholds", "good.toml"], "selects no cell of this run"),
        (["check", "full", "--thresholds", "good.toml"], "full holds no run"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_reported_in_one_line(
    arguments: list[str], message: str, tmp_path: Path, folder: Path
) -> None:
    for name, text in {
        "bad.toml": BAD_TOML,
        "key.toml": UNKNOWN_KEY,
        "axis.toml": UNKNOWN_AXIS,
        "empty.toml": "",
        "two.toml": UNKNOWN_AXIS.replace("weight = 3", ""),
        "good.toml": KEPT.replace(SLOW, "pipe:1M"),
        "file": "",
        "full/something": "",
        "garbage/journal.jsonl": "\x00\xff{]\n" * 3,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "none").mkdir()
    (tmp_path / "none/journal.jsonl").touch()
    (tmp_path / "journal/journal.jsonl").mkdir(parents=True)
    (tmp_path / "run").symlink_to(folder)
    (tmp_path / "dangling").symlink_to("gone")
    done = ipcbench(*arguments, cwd=tmp_path)
    if not message:  # valid: cells that carry no empty message are skipped
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode == 3, done.stdout
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert message in done.stderr


@contextmanager
def sweep_lock() -> Iterator[None]:
    """Hold the name of the sweep lock, unless a real sweep holds it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as held:
        try:
            held.bind(NAME)
            held.listen(1)
        except OSError:
            pass  # a real sweep runs, which serves as well
        yield


def test_a_second_sweep_is_refused(tmp_path: Path) -> None:
    with sweep_lock():
        done = ipcbench("run", "--profile", "smoke", "-t", "null", "-o", tmp_path / "run")
        doctor = ipcbench("doctor")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "another sweep runs on this machine (process " in done.stderr
    assert "wait for it, or stop it" in done.stderr
    assert not (tmp_path / "run").exists()
    assert "another sweep" in doctor.stdout


def test_a_sweep_without_a_measurement_fails(tmp_path: Path) -> None:
    done = ipcbench(
        *RUN, "-t", "raises", "--pattern", "latency", "-o", tmp_path / "run", plugins=True
    )
    assert done.returncode == 3
    assert "failed" in done.stdout
    assert (tmp_path / "run/report.html").exists()  # which lists the failures


# Environments.


def test_a_closed_pipe_is_no_error() -> None:
    for command in (["list"], ["list", "--json"], ["run", "--help"], ["doctor"]):
        reading, writing = os.pipe()
        os.close(reading)  # `ipcbench list | true`
        done = subprocess.run(
            [sys.executable, "-m", "ipcbench", *command],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            check=False,
        )
        os.close(writing)
        assert done.stderr == "", command
        assert done.returncode != 0


@pytest.mark.parametrize(
    "where",
    [
        {"LC_ALL": "C", "TERM": "dumb", "COLUMNS": "20", "HOME": "/nowhere"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["no locale", "ascii", "bytes"],
)
def test_no_terminal_and_no_locale(where: dict[str, str], tmp_path: Path) -> None:
    run_of(tmp_path / "run")
    (tmp_path / "thresholds.toml").write_text(UNDECIDED)
    (tmp_path / "étude").mkdir()
    for command, code in (
        (["list"], 0),
        (["run", *TINY, "-o", "étude"], 0),
        (["report", "étude"], 0),
        (["check", "run"], 2),
    ):
        done = ipcbench(*command, cwd=tmp_path, **where)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert "\x1b" not in done.stdout + done.stderr


def test_a_folders_name_may_be_no_text(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")  # not valid in UTF-8
    done = ipcbench("run", *TINY, "-o", folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "report.html").exists()
    assert json.loads(ipcbench("report", folder, "--json").stdout)["folder"] == str(folder)


class Terminal:
    """A command in the foreground of its own terminal."""

    def __init__(
        self, *arguments: str | Path, columns: int = 80, file_size: int = resource.RLIM_INFINITY
    ) -> None:
        self._near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = environment(TERM="xterm-256color")
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            env.pop(name, None)
        program = (
            "import fcntl, os, resource, signal, sys, termios\n"
            "for number in (signal.SIGINT, signal.SIGHUP):\n"  # this run may ignore them
            "    signal.signal(number, signal.SIG_DFL)\n"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({file_size}, {file_size}))\n"
            "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
            "os.execv(sys.executable, [sys.executable, '-m', 'ipcbench', *sys.argv[1:]])\n"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=far,
            stdout=far,
            stderr=far,
            env=env,
            start_new_session=True,
        )
        os.close(far)
        self.seen = ""

    def read(self) -> bool:
        """Read available output, waiting 50 ms at most; return False after a hangup."""
        if not select.select([self._near], [], [], 0.05)[0]:
            return True
        try:
            data = os.read(self._near, 1 << 16)
        except OSError:  # EIO: the other side is closed
            return False
        self.seen += data.decode()
        return bool(data)

    def type(self, keys: bytes) -> None:
        os.write(self._near, keys)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the command alone."""
        self._process.send_signal(number)

    def hang_up(self) -> None:
        """Close the terminal, and wait for the end of the command."""
        os.close(self._near)
        try:
            self._process.wait(DEADLINE / 2)
        finally:
            self._process.kill()
            self._process.wait()

    def finish(self) -> int:
        deadline = time.monotonic() + DEADLINE / 2
        try:
            while self.read() and time.monotonic() < deadline:
                pass
            return self._process.wait(max(0.1, deadline - time.monotonic()))
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._near)


def shows(terminal: Terminal, text: str) -> Callable[[], bool]:
    def look() -> bool:
        terminal.read()
        return text in terminal.seen

    return look


def test_a_terminal_shows_a_bar(tmp_path: Path) -> None:
    terminal = Terminal("run", *TINY, "-t", "pipe", "-o", tmp_path / "run")
    assert terminal.finish() == 0, terminal.seen
    assert "━" in terminal.seen  # the bar
    assert " %" in terminal.seen
    assert "latency/" in terminal.seen  # what is being measured
    assert "Traceback" not in terminal.seen
    last = terminal.seen[terminal.seen.rfind("\x1b[?25h") :]  # the cursor is shown again
    assert last.startswith("\x1b[?25h")
    assert f"page: {tmp_path / 'run/report.html'}"[:60] in last


def test_ctrl_c_at_a_terminal_keeps_measured_runs(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    # The rounds of a few cells would end before the bar is drawn again.
    terminal = Terminal("run", "--clock", "fake", "--profile", "smoke", "-o", folder)
    wait_for("the first round", shows(terminal, "round 1 of 2"))
    terminal.type(b"\x03")
    assert terminal.finish() == 0, terminal.seen
    assert "stopping after this run" in terminal.seen
    assert "Traceback" not in terminal.seen
    results = load(folder)
    assert results.ended is not None
    assert results.ended.reason == "interrupted"
    assert not any(result.failures for result in results.cells.values())
    assert (folder / "report.html").exists()


def test_a_narrow_terminal(tmp_path: Path) -> None:
    for command in (["list"], ["run", *TINY, "-o", str(tmp_path / "run")]):
        terminal = Terminal(*command, columns=20)
        assert terminal.finish() == 0, terminal.seen
        assert "Traceback" not in terminal.seen


@pytest.mark.parametrize("runtime", ["python", "native"])
def test_messages_of_no_bytes_can_be_acknowledged(tmp_path: Path, runtime: str) -> None:
    """The acknowledgement of a stream is larger than its messages."""
    given = ("-s", "0", "--pattern", "stream", "--runtime", runtime, "--placement", "same-core")
    names = ("shm:posix+posix-sem", "shm:posix+futex/in-place", "sysv-queue", "posix-queue")
    done = ipcbench(*RUN, *given, *names, "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stderr
    cells = [one.cell for one in load(tmp_path / "run").ok()]
    assert {cell.transport for cell in cells} == {*names}


def test_one_round_is_singular(tmp_path: Path) -> None:
    few = ("-t", "pipe", "--pattern", "latency", "--budget", "1ms", "-o", tmp_path / "run")
    assert ipcbench(*RUN, *few).stdout.startswith("1 round; ")


def test_the_journal_has_what_the_profile_leaves_out(tmp_path: Path) -> None:
    """Not with options: they leave out more."""
    (tmp_path / "few.toml").write_text(FEW)
    run = ("run", "--clock", "fake", "--profile", tmp_path / "few.toml", "-o")
    assert ipcbench(*run, tmp_path / "all").returncode == 0
    assert load(tmp_path / "all").header.left_out == [("sizes above 64 bytes", "they take longer")]
    assert ipcbench(*run, tmp_path / "some", "-s", "64").returncode == 0
    assert load(tmp_path / "some").header.left_out == []
