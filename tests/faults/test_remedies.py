"""A remedy suffices: obeyed to the letter, it lets the same cell be measured."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path

import pytest

from ipcbench.bench.results.results import Status
from ipcbench.transports.base.os_errors import MANY_FILES
from tests.e2e.command import findings, started, wait_for
from tests.faults.confined import Confinement
from tests.faults.obedience import obey
from tests.faults.sweeps import Sandbox, failed, why_skipped
from tests.sampling import some

IPC = Confinement(namespaces=("ipc",))
SMALL = Confinement(namespaces=("mount",), tmpfs={"/dev/shm": "size=1m"})
FEW_BYTES = Confinement(namespaces=("ipc",), settings={"kernel/shmmax": "65536"})
FEW_PAGES = Confinement(namespaces=("ipc",), settings={"kernel/shmall": "300"})


@pytest.mark.parametrize(
    ("confinement", "transport", "size", "remedy"),
    some(
        [
            (IPC, "sysv-queue", "64K", "sysctl -w kernel.msgmax=65536 kernel.msgmnb=131072"),
            (IPC, "sysv-queue", "6M", "sysctl -w kernel.msgmax=6291456 kernel.msgmnb=12582912"),
            (IPC, "posix-queue", "64K", "sysctl -w fs.mqueue.msgsize_max=65536"),
            (FEW_BYTES, "shm:sysv+posix-sem", "1M", "sysctl -w kernel.shmmax="),
            (FEW_PAGES, "shm:sysv+posix-sem", "1M", "sysctl -w kernel.shmall="),
            (SMALL, "shm:posix+posix-sem", "1M", "mount -o remount,size="),
            (SMALL, "shm:tmpfs+posix-sem", "1M", "mount -o remount,size="),
        ],
        3,
    ),
)
def test_a_size_that_the_machine_refuses(
    confinement: Confinement, transport: str, size: str, remedy: str, tmp_path: Path
) -> None:
    arguments = (transport, "-s", size, "--pattern", "latency", "--placement", "same-core")
    found, before, after = obey(tmp_path, confinement, *arguments)
    assert found.startswith(remedy)
    assert {one.status for one in before.cells.values()} == {Status.SKIPPED}
    assert {one.status for one in after.cells.values()} == {Status.OK}


LINK = ("--pattern", "latency", "--placement", "same-core", "-s", "64")
MANY = (*LINK[2:], "--pattern", "pairs-latency", "-P", "24")  # links


@pytest.mark.parametrize(
    ("settings", "transport", "remedy"),
    some(
        [
            ({"fs/mqueue/queues_max": "1"}, "posix-queue", "sysctl -w fs.mqueue.queues_max="),
            ({"kernel/msgmni": "1"}, "sysv-queue", "sysctl -w kernel.msgmni="),
            ({"kernel/sem": "250 32000 32 1"}, "shm:posix+sysv-sem", "sysctl -w kernel.sem="),
            ({"kernel/sem": "250 1 32 100"}, "shm:posix+sysv-sem", "sysctl -w kernel.sem="),
        ],
        2,
    ),
)
@pytest.mark.parametrize("pattern", [LINK, MANY])
def test_a_number_of_objects_that_is_reached(
    settings: dict[str, str], transport: str, remedy: str, pattern: tuple[str, ...], tmp_path: Path
) -> None:
    """The probe needs one object, a link more of them, and many links at once yet more."""
    confinement = Confinement(namespaces=("ipc",), settings=settings)
    found, before, after = obey(tmp_path, confinement, transport, *pattern)
    assert found.startswith(remedy)
    assert {one.status for one in before.cells.values()} == {Status.FAILED}
    assert {one.status for one in after.cells.values()} == {Status.OK}


def test_a_number_of_segments_that_is_reached(tmp_path: Path) -> None:
    confinement = Confinement(namespaces=("ipc",), settings={"kernel/shmmni": "1"})
    arguments = (*LINK[2:], "--pattern", "pairs-latency", "-P", "36")
    found, before, after = obey(tmp_path, confinement, "shm:sysv+futex", *arguments)
    assert found.startswith("sysctl -w kernel.shmmni=")
    assert {one.status for one in before.cells.values()} == {Status.FAILED}
    assert {one.status for one in after.cells.values()} == {Status.OK}


def test_the_descriptors_of_many_clients(tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MANY_FILES:
        pytest.skip(f"the hard limit of descriptors is {hard} here")
    arguments = ("shm:memfd+eventfd", "--pattern", "echo", "-P", "64", "-s", "64")
    few = Confinement(limits={"RLIMIT_NOFILE": 64})
    found, before, after = obey(tmp_path, few, *arguments, "--placement", "same-core")
    assert found.startswith("ulimit -n ")
    assert {one.status for one in before.cells.values()} == {Status.FAILED}
    assert {one.status for one in after.cells.values()} == {Status.OK}


def test_the_number_of_queues_is_named(sandbox: Sandbox) -> None:
    """The binding drops the errno by which it differs from RLIMIT_MSGQUEUE."""
    confinement = Confinement(namespaces=("ipc",), settings={"fs/mqueue/queues_max": "1"})
    _, results = sandbox.sweep(confinement, "-t", "posix-queue", "--pattern", "latency")
    assert failed(results)
    for result in failed(results):
        for failure in result.failures:
            assert failure.what == "there are fs.mqueue.queues_max queues already, 1"
            assert "ulimit" not in failure.remedy


@pytest.mark.parametrize(
    ("transport", "size", "remedy"),
    [
        ("posix-queue", "17M", "no setting suffices: fs.mqueue.msgsize_max goes up to 16777216"),
        ("sysv-queue", "3G", "no setting suffices: kernel.msgmax and kernel.msgmnb go up to"),
        ("unix-dgram", "16M", "no setting suffices: the kernel allocates a message of this"),
        ("unix-seqpacket", "16M", "no setting suffices: the kernel allocates a message of this"),
    ],
)
def test_a_size_that_no_setting_allows(
    transport: str, size: str, remedy: str, sandbox: Sandbox
) -> None:
    _, results = sandbox.sweep(Confinement(), transport, "-s", size, "--pattern", "latency")
    ((_, found),) = why_skipped(results, transport)
    assert found.startswith(remedy)


# Ports


def test_no_port_is_free(sandbox: Sandbox) -> None:
    settings = {"net/ipv4/ip_local_port_range": "40000 40000"}
    confinement = Confinement(namespaces=("net",), settings=settings, loopback=True)
    found = sandbox.unavailable(confinement)
    reason, remedy = found["tcp"]
    assert reason == (
        "no port of 127.0.0.1 is free: all from 40000 to 40000 (net.ipv4.ip_local_port_range) "
        "are in use"
    )
    assert remedy.startswith('sysctl -w net.ipv4.ip_local_port_range="32768 60999", or end')


# Memory


@pytest.fixture
def small_memory(memory: Path) -> Confinement:
    name = "memory.max" if (memory / "memory.max").exists() else "memory.limit_in_bytes"
    (memory / name).write_text(str(160 << 20))
    return Confinement(cgroup=str(memory))


def test_the_oom_killer_is_named(small_memory: Confinement, sandbox: Sandbox) -> None:
    """A worker is killed, and never the command: its oom_score_adj is the highest."""
    done, results = sandbox.sweep(
        small_memory, "mp-queue", "-s", "8M", "--pattern", "latency", "--placement", "same-core"
    )
    assert done.returncode == 3, done.stderr
    killed = [one for result in failed(results) for one in result.failures]
    assert killed
    for failure in killed:
        assert "was killed by SIGKILL of the OOM killer: the memory of the cgroup " in failure.what
        assert "160 MiB, is used up" in failure.what
        assert failure.remedy.startswith("raise the cgroup's limit of memory (docker run --memory")
    assert "OOM killer" in sandbox.page()


def test_workers_are_the_first_victims_and_the_command_is_none(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest process is killed otherwise, which the worker is not always."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(sandbox.home))
    own = Path("/proc/self/oom_score_adj").read_text()
    sweep = ("run", "--profile", "smoke", "-t", "pipe", "-o", sandbox.results)
    with started(*sweep) as process:
        of_command = Path(f"/proc/{process.pid}/oom_score_adj")
        wait_for("a worker with the highest score", lambda: victims(process.pid))
        assert of_command.read_text() == own
        process.terminate()
        process.communicate()


def victims(command: int) -> list[str]:
    """Return the processes below a command that the OOM killer chooses before all others."""
    parents, first = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            text = (folder / "stat").read_text()
            parents[folder.name] = text.rpartition(")")[2].split()[1]
            if (folder / "oom_score_adj").read_text() == "1000\n":
                first.append(folder.name)
    return [pid for pid in first if str(command) in ancestors(pid, parents)]


def ancestors(pid: str, parents: dict[str, str]) -> set[str]:
    found: set[str] = set()
    while (pid := parents.get(pid, "")) and pid not in found:
        found.add(pid)
    return found


def test_messages_without_memory_are_skipped(small_memory: Confinement, sandbox: Sandbox) -> None:
    _, results = sandbox.sweep(
        small_memory, "unix-stream", "pipe", "-s", "64M", "--pattern", "latency"
    )
    for transport in ("unix-stream", "pipe"):
        ((reason, remedy),) = why_skipped(results, transport)
        assert reason.startswith("2 processes with messages of 67108864 bytes need 402653184")
        assert remedy.startswith("raise the cgroup's limit of memory")


# No /proc


NO_PROC = Confinement(namespaces=("mount",), tmpfs={"/proc": ""})


def test_a_sweep_without_proc(sandbox: Sandbox) -> None:
    done = sandbox.run(NO_PROC, "run", "--profile", "smoke", "-o", sandbox.results)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "Error: /proc is not mounted: mount -t proc proc /proc\n"


def test_clean_without_proc(sandbox: Sandbox) -> None:
    """Every process looks dead: no ledger may be taken for an abandoned one."""
    done = sandbox.run(NO_PROC, "clean")
    assert done.returncode == 3
    assert done.stderr == "Error: /proc is not mounted: mount -t proc proc /proc\n"


def test_doctor_and_list_without_proc(sandbox: Sandbox) -> None:
    done = sandbox.run(NO_PROC, "doctor", "--json")
    assert done.returncode == 2, done.stderr
    found = {one["topic"]: one for one in findings(done.stdout)}
    assert found["proc"]["severity"] == "problem"
    assert found["proc"]["remedy"] == "mount -t proc proc /proc"
    for name, (reason, remedy) in sandbox.unavailable(NO_PROC).items():
        assert (reason, remedy) == ("/proc is not mounted", "mount -t proc proc /proc"), name
