"""Real limits reached: each is a skip, a failed cell or one line, with its remedy."""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import resource
from dataclasses import replace
from pathlib import Path

import pytest

from ipcbench.bench.results.results import Results, Status, load
from ipcbench.transports.base.os_errors import MANY_FILES
from tests.e2e.command import DEADLINE, FITNESS, findings, ipcbench, lines, started, wait_for
from tests.faults.confined import Confinement
from tests.faults.disks import error_lines
from tests.faults.sweeps import Sandbox, failed, only_line, why_skipped

ALLOW = "allow the call: a container's seccomp profile or a security module refuses it"
MORE_PROCESSES = "stop other processes, or ulimit -u, or raise the container's limit of pids"
ROOM_IN_SHM = "remove unused files in /dev/shm, or mount -o remount,size=2m /dev/shm"
_, _HARD = resource.getrlimit(resource.RLIMIT_NOFILE)
ENOUGH = MANY_FILES if _HARD == resource.RLIM_INFINITY else max(1024, min(_HARD, MANY_FILES))
MORE_FILES = f"ulimit -n {ENOUGH}"
SWEEP = ("run", "--profile", "smoke", "--clock", "fake", "-t", "pipe")


def stops(folder: Path) -> str:
    """Build the end of the message of a sweep that cannot continue now."""
    return (
        ": the sweep stops here, and its measurements are kept; once that is solved, "
        f"continue with: ipcbench run --resume {folder}"
    )


def shm(options: str) -> Confinement:
    return Confinement(namespaces=("mount",), tmpfs={"/dev/shm": options})


FULL = replace(shm("size=4k"), files={"/dev/shm/other": 4096})


def remedies(results: Results) -> set[str]:
    return {one.remedy for result in failed(results) for one in result.failures}


# Descriptors


@pytest.mark.parametrize("bound", [7, 8, 10])
def test_no_descriptors_at_all(bound: int, sandbox: Sandbox) -> None:
    """Too few to start: one line names the purpose and the remedy.

    Probes of transports fail before that, and free the descriptors of what they have half made.
    """
    done = sandbox.run(Confinement(limits={"RLIMIT_NOFILE": bound}), *SWEEP, "-o", sandbox.results)
    what = f"starting the fork server fails: Too many open files: {MORE_FILES}"
    assert only_line(done) == f"Error: {what}{stops(sandbox.results)}"


def test_descriptors_run_out_in_some_cells(sandbox: Sandbox) -> None:
    """Cells that need more fail with reason and remedy; the others are measured."""
    done, results = sandbox.sweep(
        Confinement(limits={"RLIMIT_NOFILE": 15}),
        "-t", "pipe", "-t", "unix-stream", "-t", "shm:posix+eventfd", "-t", "sysv-queue",
        "--pattern", "latency", "--pattern", "echo",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert results.cells["latency/sysv-queue/python/64B/2p/same-core"].status is Status.OK
    refused = {result.cell.id for result in failed(results)}
    assert "echo/pipe/python/64B/4p/same-core" in refused
    assert remedies(results) == {MORE_FILES}
    assert all("Too many open files" in one.failures[0].what for one in failed(results))
    assert f"Too many open files: {MORE_FILES}\n" in done.stderr
    assert f"Remedy: {MORE_FILES}" in sandbox.page()


def test_the_commands_descriptors_run_out_in_the_middle(tmp_path: Path) -> None:
    """No new fork server can start: the sweep stops, and can be resumed later."""
    folder = tmp_path / "run"
    with started(*SWEEP, "-o", folder) as process:
        wait_for("a calibrated cell", lambda: lines(folder, "calibrated"))
        open_now = {int(fd) for fd in os.listdir(f"/proc/{process.pid}/fd")}
        # Two servers are open, whose descriptors are free when they have ended; a start needs five.
        bound = [number for number in range(1000) if number not in open_now][2]
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (bound, hard))
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 3
    what = f"starting the fork server fails: Too many open files: {MORE_FILES}"
    assert error_lines(errors) == [f"Error: {what}{stops(folder)}"]
    done = ipcbench("run", "--resume", folder)
    assert done.returncode == 0, done.stderr
    assert not failed(load(folder))


# Processes


@pytest.mark.parametrize(("bound", "what"), [(1, "the cleanup process"), (2, "the fork server")])
def test_the_command_may_start_no_process(bound: int, what: str, sandbox: Sandbox) -> None:
    confinement = Confinement(user=True, limits={"RLIMIT_NPROC": bound})
    line = only_line(sandbox.run(confinement, *SWEEP, "-o", sandbox.results))
    check_not_started(line, what, sandbox.results)


@pytest.mark.parametrize(("bound", "what"), [(1, "the cleanup process"), (2, "the fork server")])
def test_a_container_that_is_full_of_processes(
    bound: int, what: str, pids: Path, sandbox: Sandbox
) -> None:
    """The limit is the cgroup's pids.max: cgroups(7)."""
    (pids / "pids.max").write_text(str(bound))
    confinement = Confinement(cgroup=str(pids))
    line = only_line(sandbox.run(confinement, *SWEEP, "-o", sandbox.results))
    check_not_started(line, what, sandbox.results)


def check_not_started(line: str, what: str, folder: Path) -> None:
    """Check the message: without a fork server the sweep has a folder and can be resumed."""
    message = f"Error: starting {what} fails: Resource temporarily unavailable: {MORE_PROCESSES}"
    begun = folder.exists()
    assert begun is (what == "the fork server")
    assert line == message + (stops(folder) if begun else "")


@pytest.mark.parametrize(
    ("bound", "who", "what"),
    [
        (3, "the fork server", "fork(2) fails: Resource temporarily unavailable"),
        (4, "the worker", "fork(2) fails: Resource temporarily unavailable"),
        (5, "the worker", "RuntimeError: can't start new thread"),  # the feeder thread of a Queue
    ],
)
def test_a_run_may_start_no_process(bound: int, who: str, what: str, sandbox: Sandbox) -> None:
    _, results = sandbox.sweep(
        Confinement(user=True, limits={"RLIMIT_NPROC": bound}),
        "-t", "mp-queue", "--pattern", "latency",
    )  # fmt: skip
    assert failed(results)
    for result in failed(results):
        first = result.failures[0]
        assert (first.who, first.what, first.remedy) == (who, what, MORE_PROCESSES)


# /dev/shm


@pytest.mark.parametrize(
    ("confinement", "what", "remedy"),
    [
        (FULL, "No space left on device", ROOM_IN_SHM),
        (shm("ro"), "Read-only file system", "mount -o remount,rw /dev/shm"),
        (
            Confinement(user=True, namespaces=("mount",), tmpfs={"/dev/shm": "mode=0555"}),
            "Permission denied",
            "mount -t tmpfs -o mode=1777 tmpfs /dev/shm",
        ),
        (
            Confinement(namespaces=("mount",), devices=("null", "urandom")),
            "there is no /dev/shm",
            "mkdir /dev/shm && mount -t tmpfs -o mode=1777 tmpfs /dev/shm",
        ),
    ],
    ids=["full", "read-only", "forbidden", "missing"],
)
def test_no_shared_memory(
    confinement: Confinement, what: str, remedy: str, sandbox: Sandbox
) -> None:
    if "mode=0555" in confinement.tmpfs.values() and os.getuid():
        pytest.skip("root of a user namespace of its own may write everywhere in it")
    found = sandbox.unavailable(confinement)
    for name in ("posix-sem", "mp-lock", "mp-queue", "shm:posix+spin", "shm:mp+posix-sem"):
        reason, help_ = found[name]
        assert what in reason, (name, reason)
        assert help_ == remedy, name
    assert not {"pipe", "sysv-queue", "posix-queue", "unix-stream"} & found.keys()


def test_shared_memory_fills_up_in_the_middle(sandbox: Sandbox) -> None:
    """256 KiB suffice for the probe and small messages, but not for a ring of 32 KiB messages."""
    done, results = sandbox.sweep(
        shm("size=256k"), "shm:posix+posix-sem", "null", "--pattern", "stream",
        "-s", "64", "-s", "32K", "--placement", "same-core",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert results.cells["stream/shm:posix+posix-sem/python/64B/2p/same-core"].good
    (full,) = failed(results)
    assert full.cell.size == 32768
    ring = r"a segment of 263\d{3} bytes is more than 262144 \(/dev/shm\)"
    assert re.fullmatch(ring, full.failures[0].what)
    assert full.failures[0].remedy == ROOM_IN_SHM
    assert f"Remedy: {ROOM_IN_SHM}" in sandbox.page()


# System V and message queues


def test_no_system_v_objects(sandbox: Sandbox) -> None:
    settings = {"kernel/msgmni": "0", "kernel/sem": "250 32000 32 0", "kernel/shmmni": "0"}
    found = sandbox.unavailable(Confinement(namespaces=("ipc",), settings=settings))
    for name, call, setting in (
        ("sysv-queue", "msgget(2)", "kernel.msgmni=32000"),
        ("sysv-sem", "semget(2)", 'kernel.sem="250 64000 32 32000"'),
        ("shm:sysv+posix-sem", "shmget(2)", "kernel.shmmni=4096"),
    ):
        reason, remedy = found[name]
        assert reason.startswith(f"{call} ")
        assert remedy.endswith(f"sysctl -w {setting}")
    assert "pipe" not in found


def test_only_one_system_v_object_is_allowed(sandbox: Sandbox) -> None:
    """The probe creates one; a link needs two."""
    settings = {"kernel/msgmni": "1", "kernel/sem": "250 32000 32 1"}
    done, results = sandbox.sweep(
        Confinement(namespaces=("ipc",), settings=settings),
        "-t", "sysv-queue", "-t", "sysv-queue:types", "-t", "shm:posix+sysv-sem",
        "--pattern", "latency",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = {one.cell.transport: one for one in results.cells.values()}
    assert found["sysv-queue:types"].good
    for name, setting in (("sysv-queue", "kernel.msgmni="), ("shm:posix+sysv-sem", "kernel.sem=")):
        assert found[name].failures
        for failure in found[name].failures:
            assert failure.where == "attach"
            assert f"sysctl -w {setting}" in failure.remedy


def test_no_bytes_for_queues(sandbox: Sandbox) -> None:
    """RLIMIT_MSGQUEUE is named, although the binding reports too many open files."""
    found = sandbox.unavailable(Confinement(limits={"RLIMIT_MSGQUEUE": 0}))
    assert list(found) == ["posix-queue", "latest:queue"]
    for reason, remedy in found.values():
        assert "RLIMIT_MSGQUEUE bytes in all, 0" in reason
        assert remedy.startswith("ulimit -q 819200, or remove queues")


def test_bytes_for_shallow_queues_alone_and_no_locked_memory(sandbox: Sandbox) -> None:
    """The queue is shallower and records its depth; no part of ipcbench locks memory."""
    done, results = sandbox.sweep(
        Confinement(limits={"RLIMIT_MSGQUEUE": 1000, "RLIMIT_MEMLOCK": 0}, user=True),
        "posix-queue", "shm:memfd+futex", "--pattern", "latency", "-s", "64",
    )  # fmt: skip
    assert not failed(results)
    assert any(one.cell.transport == "shm:memfd+futex" for one in results.ok())
    assert "atplotlib" not in done.stderr  # this user's home may be read-only to it
    queues = [one for one in results.ok() if one.cell.transport == "posix-queue"]
    assert {run.depth for one in queues for run in one.good} == {2}


def test_no_signal_can_be_queued(sandbox: Sandbox) -> None:
    found = sandbox.unavailable(Confinement(limits={"RLIMIT_SIGPENDING": 0}, user=True))
    reason, remedy = found["signal"]
    assert reason == "sigqueue(3) fails: Resource temporarily unavailable"
    assert remedy == "ulimit -i 1024"


def test_no_loopback(sandbox: Sandbox) -> None:
    found = sandbox.unavailable(Confinement(namespaces=("net",)))
    assert list(found) == ["tcp", "tcp6", "tcp:1M"]
    assert found["tcp"][0] == "connect(2) to 127.0.0.1 fails: Network is unreachable"
    assert all(remedy.startswith("ip link set lo up") for _, remedy in found.values())


# Calls that a seccomp filter refuses

# Without a library, its transport is unavailable for that reason.
LIBRARIES = [
    name
    for name, module in (("zmq:ipc", "zmq"), ("nng:ipc", "pynng"))
    if importlib.util.find_spec(module)
]
CALLS = {
    "memfd_create": (
        "memfd_create(2)",
        (
            "shm:memfd+posix-sem",
            "futex",
            "pthread-cond",
            "futex-mutex",
            "pthread-mutex",
            "robust-mutex",
            "spin-lock",
            "latest:seqlock",
            "latest:buffers",
        ),
    ),
    "eventfd2": (
        "eventfd(2)",
        ("eventfd", "shm:posix+eventfd", "shm:posix+eventfd-counted", *LIBRARIES),
    ),
    "flock": ("flock", ("flock",)),
    "mq_open": ("mq_open(3)", ("posix-queue", "latest:queue")),
    "msgget": ("msgget(2)", ("sysv-queue", "sysv-queue:types")),
    "semget": (
        "semget(2)",
        ("sysv-sem", "shm:posix+sysv-sem", "shm:posix+sysv-sem-counted"),
    ),
    "shmget": ("shmget(2) of 1 bytes", ("shm:sysv+posix-sem",)),
    "mknodat": ("mkfifo(3)", ("fifo", "fifo:mknod")),
    "pidfd_open": ("pidfd_open(2), of Linux 5.3,", ("signal",)),
}

SEALED = ("memfd-passed", "memfd-passed/in-place", "memfd-pool", "memfd-pool/in-place")


@pytest.mark.parametrize("number", ["EPERM", "EACCES", "ENOSYS"])
def test_refused_calls(number: str, sandbox: Sandbox) -> None:
    found = sandbox.unavailable(Confinement(refused=dict.fromkeys(CALLS, number)))
    words = os.strerror(getattr(errno, number))
    expected = {
        name: (f"{call} fails: {words}", ALLOW) for call, names in CALLS.values() for name in names
    }
    sealed = (f"memfd_create(2) or F_ADD_SEALS of fcntl(2) fails: {words}", ALLOW)
    assert found == expected | dict.fromkeys(SEALED, sealed)


def test_a_refused_call_that_the_harness_can_replace(sandbox: Sandbox) -> None:
    """Without memfd_create(2), workers' output goes to a file; the other cells are measured."""
    done, results = sandbox.sweep(
        Confinement(refused={"memfd_create": "ENOSYS"}),
        "-t", "pipe", "-t", "shm:memfd+posix-sem", "--pattern", "latency",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not failed(results)
    reason = ("memfd_create(2) fails: Function not implemented", ALLOW)
    assert why_skipped(results, "shm:memfd+posix-sem") == {reason}


@pytest.mark.parametrize(
    ("calls", "what", "begun"),
    [
        (("pipe2",), "the cleanup process", False),
        (("fork", "vfork", "clone", "clone3"), "the cleanup process", False),
        (("socketpair",), "the fork server", True),
    ],
)
def test_a_refused_call_that_the_command_needs(
    calls: tuple[str, ...], what: str, begun: bool, sandbox: Sandbox
) -> None:
    confinement = Confinement(refused=dict.fromkeys(calls, "EPERM"))
    line = only_line(sandbox.run(confinement, *SWEEP, "-o", sandbox.results))
    ends = stops(sandbox.results) if begun else ""
    assert line == f"Error: starting {what} fails: Operation not permitted: {ALLOW}{ends}"


@pytest.mark.parametrize(
    ("call", "who", "what"),
    [
        ("pidfd_open", "the fork server", "pidfd_open(2), of Linux 5.3, fails: "),
        ("sched_setaffinity", "the worker", "sched_setaffinity(2) to CPU "),
    ],
)
def test_a_refused_call_that_every_run_needs(
    call: str, who: str, what: str, sandbox: Sandbox
) -> None:
    done, results = sandbox.sweep(
        Confinement(refused={call: "EPERM"}), "-t", "null", "--pattern", "latency"
    )
    assert done.returncode == 3
    assert failed(results)
    for failure in [one for result in failed(results) for one in result.failures]:
        assert (failure.who, failure.where, failure.remedy) == (who, "start", ALLOW)
        assert failure.what.startswith(what)


def test_a_missing_call_that_no_pattern_needs(sandbox: Sandbox) -> None:
    """A process waits for several senders at one word: futex_waitv(2), of 5.16, is not called."""
    done, results = sandbox.sweep(
        Confinement(refused={"futex_waitv": "ENOSYS"}),
        "shm:posix+futex", "--pattern", "latency", "--pattern", "fan-in", "-s", "64",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not failed(results)
    assert {one.cell.pattern for one in results.ok()} == {"latency", "fan-in"}
    assert not why_skipped(results, "shm:posix+futex")


def test_the_doctor_reports_all_limits(sandbox: Sandbox) -> None:
    done = sandbox.run(
        Confinement(
            limits={"RLIMIT_NOFILE": 12, "RLIMIT_MSGQUEUE": 0}, refused={"msgget": "EPERM"}
        ),
        "doctor", "--json",
    )  # fmt: skip
    assert done.returncode in FITNESS, done.stderr
    found = {one["topic"]: one for one in findings(done.stdout)}
    assert found["sysv-queue"]["remedy"] == ALLOW
    assert "RLIMIT_MSGQUEUE" in found["posix-queue"]["text"]
