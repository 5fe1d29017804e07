"""Unusual environments: one CPU, no wheels or compiler, no locale, odd folders, a jumping clock."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ipcbench.bench.results.results import load
from ipcbench.transports.base.remedies import pip_install
from tests.e2e.command import FITNESS, environment
from tests.faults.confined import Confinement
from tests.faults.sweeps import Sandbox, failed, only_line, why_skipped

FREE = Confinement()
SOURCES = Path(__file__).parents[2]

# A wall clock that jumps forward by days at every other reading, and back at the next; never
# before the boot time, which the kernel would adjust with it: proc_stat(5), btime.
JUMPING = """
import time
_now, _local, _format, _readings = time.time, time.localtime, time.strftime, 0
def _jumping():
    global _readings
    _readings += 1
    return _now() + 86400 * (_readings + 1 if _readings % 2 else 1)
time.time = _jumping
time.time_ns = lambda: int(_jumping() * 1e9)
time.strftime = lambda format, *when: _format(format, *(when or (_local(_jumping()),)))
"""
STANDING = """
import time
_format, _local = time.strftime, time.localtime
time.strftime = lambda format, *when: _format(format, *(when or (_local(0),)))
"""


def shim(folder: Path, name: str, text: str) -> str:
    """Write a module that Python imports first or instead; return the PYTHONPATH for it."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(text)
    return str(folder)


def test_one_cpu_and_idle_states_that_cannot_be_forbidden(sandbox: Sandbox) -> None:
    cpu = min(os.sched_getaffinity(0))
    done, results = sandbox.sweep(
        Confinement(cpus=(cpu,)), "null", "--pattern", "latency", "-s", "64",
        "--placement", "same-core", "--placement", "cross-core-awake",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not failed(results)
    ((reason, remedy),) = why_skipped(results, "null")
    assert reason == "only one physical core with this last-level cache may be used"
    assert remedy.startswith("allow CPUs of two cores, which lscpu --extended shows: taskset -c")


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="the test needs two CPUs")
def test_no_device_that_forbids_idle_states(sandbox: Sandbox) -> None:
    done, results = sandbox.sweep(
        Confinement(namespaces=("mount",), devices=("null", "urandom", "shm")),
        "null", "--pattern", "latency", "--placement", "cross-core-awake",
    )  # fmt: skip
    assert done.returncode == 3
    reason = "idle states cannot be forbidden: /dev/cpu_dma_latency: No such file or directory"
    remedy = "run as root, outside a container"
    assert why_skipped(results, "null") == {(reason, remedy)}
    assert reason in sandbox.page()


def test_no_wheels_and_no_compiler(sandbox: Sandbox) -> None:
    """No binding can be imported, and PATH contains no program."""
    for name in ("posix_ipc", "sysv_ipc"):
        path = shim(sandbox.folder / "none", name, f"raise ImportError('no wheel of {name}')")
    done, results = sandbox.sweep(
        FREE, "-t", "pipe", "-t", "*-queue", "--pattern", "latency",
        PYTHONPATH=path, PATH=str(sandbox.folder / "empty"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not failed(results)
    for transport, package in (("sysv-queue", "sysv_ipc"), ("posix-queue", "posix_ipc")):
        reason = (f"the package {package} is not installed", pip_install(package))
        assert why_skipped(results, transport) == {reason}


def on_terminal(command: list[str], rows: int, columns: int, folder: Path) -> tuple[int, str]:
    """Run on a terminal of that size; return the exit code and the output."""
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    more = {"TERM": "xterm", "COLUMNS": "", "LINES": ""}
    with subprocess.Popen(
        command, stdin=far, stdout=far, stderr=far, cwd=folder, env=environment(**more)
    ) as process:
        os.close(far)
        written = b""
        try:
            while data := os.read(near, 1 << 16):
                written += data
        except OSError:  # EIO: the last process has closed the terminal
            pass
    os.close(near)
    return process.returncode, written.decode(errors="replace")


@pytest.mark.parametrize(("rows", "columns"), [(5, 20), (1, 1)])
def test_a_tiny_terminal(rows: int, columns: int, sandbox: Sandbox) -> None:
    python = [sys.executable, "-m", "ipcbench"]
    sweep = ["run", "--profile", "smoke", "--clock", "fake", "-t", "null", "--pattern", "latency"]
    code, written = on_terminal([*python, *sweep, "-o", "run"], rows, columns, sandbox.folder)
    assert code == 0, written
    assert "Traceback" not in written
    assert "page: run/report.html" in written
    code, written = on_terminal([*python, "list"], rows, columns, sandbox.folder)
    assert code == 0, written
    assert "Traceback" not in written


ASCII = {
    "LC_ALL": "C", "LANG": "", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
    "PYTHONIOENCODING": "ascii:strict",
}  # fmt: skip


def test_no_locale(sandbox: Sandbox) -> None:
    """With an ASCII locale all output is ASCII; JSON keeps names exactly."""
    for arguments in (["--help"], ["run", "--help"], ["list"], ["doctor"]):
        done = sandbox.run(FREE, *arguments, **ASCII)
        assert done.returncode in (FITNESS if arguments == ["doctor"] else (0,)), done.stderr
    folder = "m\u00fcll-\u20ac"
    done = sandbox.run(
        FREE, "run", "--profile", "smoke", "--clock", "fake", "-t", "null",
        "--pattern", "latency", "--json", "-o", folder, **ASCII,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    reported = json.loads(done.stdout)["folder"]
    assert os.fsencode(reported) == os.fsencode(folder)
    assert (sandbox.folder / folder / "report.html").exists()
    written = {"PYTHONUTF8": "1", "PYTHONIOENCODING": "koi8-r"}  # which lacks both characters
    done = sandbox.run(FREE, "report", folder, "--json", **written)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["folder"] == folder


@pytest.mark.parametrize(
    "name",
    [b"with space, 'quotes' and \"quotes\"", b"new\nline", b"no \xff\xfe text", b"$(id) %s {0}"],
)
@pytest.mark.parametrize("variable", ["TMPDIR", "XDG_RUNTIME_DIR"])
def test_an_odd_folder_of_sockets_and_ledgers(variable: str, name: bytes, sandbox: Sandbox) -> None:
    odd = sandbox.home / os.fsdecode(name)
    odd.mkdir()
    found = sandbox.unavailable(FREE, **{"XDG_RUNTIME_DIR": "", variable: str(odd)})
    assert not {"unix-stream", "unix-dgram", "fifo", "flock"} & found.keys()
    assert [list(one.iterdir()) for one in odd.iterdir()] == [[]]


@pytest.mark.parametrize(
    ("length", "too_long"),
    [
        # The home, a private folder in it, and `socket`, with the suffix of a datagram peer.
        (107 - len("/ipcbench-0/ipcbench-0123456789abcdef/socket.0.out"), set()),
        (107 - len("/ipcbench-0/ipcbench-0123456789abcdef/socket"), {"unix-dgram"}),
        (108, {"unix-stream", "unix-seqpacket", "unix-dgram"}),
    ],
)
def test_a_long_folder_of_sockets(length: int, too_long: set[str], sandbox: Sandbox) -> None:
    """A path has at most 107 bytes in unix(7): the probe finds out, so cells are skipped."""
    length -= len(str(os.getuid())) - 1
    long = Path(str(sandbox.home) + "/" + "x" * (length - len(str(sandbox.home)) - 1))
    long.mkdir()
    found = sandbox.unavailable(FREE, XDG_RUNTIME_DIR=str(long))
    assert found.keys() & {"unix-stream", "unix-seqpacket", "unix-dgram", "fifo"} == too_long
    for name in too_long:
        reason, remedy = found[name]
        assert re.fullmatch(r"the socket's path has \d+ bytes, unix\(7\) takes 107", reason)
        assert remedy == "set XDG_RUNTIME_DIR or TMPDIR to a shorter one"


@pytest.mark.parametrize(
    ("where", "what"),
    [("nowhere/at/all", "No such file or directory"), ("file", "Not a directory")],
)
def test_a_folder_that_cannot_be_made(where: str, what: str, sandbox: Sandbox) -> None:
    (sandbox.folder / "file").touch()
    folder = sandbox.folder / where
    expected = (
        f"{folder}/ipcbench-{os.getuid()} cannot be made: {what}",
        "unset XDG_RUNTIME_DIR, or set it to a folder of yours that exists",
    )
    for arguments in (["clean"], ["run", "--profile", "smoke", "-t", "pipe", "--clock", "fake"]):
        done = sandbox.run(FREE, *arguments, XDG_RUNTIME_DIR=str(folder))
        assert only_line(done) == f"Error: {expected[0]}: {expected[1]}"
    found = sandbox.unavailable(FREE, XDG_RUNTIME_DIR=str(folder))
    assert found["fifo"] == found["shm:posix+posix-sem"] == found["flock"] == expected
    assert "pipe" not in found


def test_a_clock_that_jumps(sandbox: Sandbox) -> None:
    """Deadlines, durations and order do not depend on the time of day."""
    path = shim(sandbox.folder / "shim", "sitecustomize", JUMPING)
    done, results = sandbox.sweep(
        FREE, "-t", "pipe", "-t", "unix-stream", "-t", "mp-queue",
        "--pattern", "latency", "--pattern", "echo", PYTHONPATH=path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not failed(results)
    assert results.ended is not None
    assert results.ended.reason == "complete"
    started = datetime.fromisoformat(results.header.started)
    assert abs(started - datetime.now().astimezone()) > timedelta(hours=12), (
        "the shim has no effect"
    )
    spans = [results.ended.wall, *(one.wall for one in results.rounds)]
    for result in results.ok():
        for run in result.good:
            spans += [run.wall, run.start_up]
    assert all(0 <= span < 100 for span in spans)


def test_only_names_and_dates_use_the_time_of_day() -> None:
    uses = re.compile(r"time\.time\b|\btime_ns\b|datetime|strftime|localtime|CLOCK_REALTIME")
    found = {
        str(path.relative_to(SOURCES))
        for folder in ("bench", "transports", "reports")
        for path in (SOURCES / folder).rglob("*.py")
        if uses.search(path.read_text())
    }
    assert found == {
        "bench/sweep/run_folder.py",  # a run's name
        "bench/sweep/shared/stopping.py",  # its start
        "bench/selftest/result.py",  # the date of a selftest
        "bench/selftest/store.py",  # its age in days
        "bench/results/pyperf_file.py",  # validation of pyperf's date
        "bench/workers/pyperf_runner.py",  # that date: when a run was measured
        "transports/kernel_objects/ledger.py",  # creation times of System V objects
        "transports/kernel_objects/orphans.py",  # the time since an object was used
    }


def test_a_clock_that_stands_still(sandbox: Sandbox) -> None:
    """A second run in the same second gets a folder of its own, and `latest` links to it."""
    path = shim(sandbox.folder / "shim", "sitecustomize", STANDING)
    arguments = [
        "run",
        "--profile",
        "smoke",
        "--clock",
        "fake",
        "--pattern",
        "signal",
    ]
    folders = []
    for _ in range(2):
        done = sandbox.run(FREE, *arguments, "-t", "eventfd", PYTHONPATH=path)
        assert done.returncode == 0, done.stderr
        folders.append((sandbox.folder / "results/latest").readlink().name)
    assert folders[1] == f"{folders[0]}-2"
    assert all(load(sandbox.folder / "results" / name).ended for name in folders)
