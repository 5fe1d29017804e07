"""Objects that killed containers have left in the host's IPC namespace: `clean --orphans`."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ipcbench.transports.kernel_objects.origin import INITIAL_PIDS, namespace
from tests.e2e.command import DEADLINE, environment, ipcbench
from tests.faults.confined import CANNOT, Confinement
from tests.faults.containers import HOLDER, PIDS, inside

LATER = "import time\n_now = time.time\ntime.time = lambda: _now() + 100\n"
TRANSPORTS = (
    "sysv-queue",
    "shm:sysv+sysv-sem",
    "shm:posix+posix-sem",
    "posix-queue",
    "fifo",
)

# Starts containers that share the IPC namespace and /dev/shm, and kills their first process.
# Each has a runtime folder of its own, so its ledger dies with it.
SCRIPT = textwrap.dedent("""
    set -e
    mkdir /dev/mqueue && mount -t mqueue mqueue /dev/mqueue
    for turn in 1 2; do
        unshare --pid --fork --mount-proc --kill-child --mount sh -c \\
            'mount -t tmpfs -o mode=700 tmpfs "$XDG_RUNTIME_DIR"; exec "$@"' sh \\
            "$PYTHON" -c "$HOLDER" $TRANSPORTS < /dev/null > "$NAMES" &
        while kill -0 $! && [ ! -s "$NAMES" ]; do sleep 0.05; done
        kill -9 $!
        wait $! || true
        rm "$NAMES"
    done
    while grep -qs "time.slee[p]" /proc/[0-9]*/cmdline; do sleep 0.05; done  # their first processes
    count() { tail -qn +2 /proc/sysvipc/msg /proc/sysvipc/sem /proc/sysvipc/shm | wc -l; }
    files() { ls /dev/shm /dev/mqueue /var/tmp | grep -c ipcbench- || true; }
    show() { echo "== $1"; shift; "$@"; }
    show left count
    show files files
    show clean "$PYTHON" -m ipcbench clean
    show soon "$PYTHON" -m ipcbench clean --orphans --remove --json
    export PYTHONPATH="$LATER"
    show listed "$PYTHON" -m ipcbench clean --orphans --json
    show doctor "$PYTHON" -m ipcbench doctor --json || [ $? = 2 ]  # it may be busy
    show container unshare --pid --fork --mount-proc "$PYTHON" -m ipcbench clean --orphans --json
    show kept count
    show removed "$PYTHON" -m ipcbench clean --orphans --remove --json
    show rest count
    show rest-of-files files
    show again "$PYTHON" -m ipcbench clean --orphans
""")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what each step of the script prints."""
    inside(*PIDS, "--mount")
    if namespace("pid") != INITIAL_PIDS:
        pytest.skip("only in the PID namespace of the host are all processes visible")
    folder = tmp_path_factory.mktemp("o")
    (folder / "later").mkdir()
    (folder / "later/sitecustomize.py").write_text(LATER)
    (folder / "home").mkdir(mode=0o700)
    empty = "mode=1777"
    alone = Confinement(
        namespaces=("mount", "ipc", "net"),
        tmpfs={"/dev/shm": empty, "/var/tmp": empty},
        devices=("null", "urandom", "shm"),
    )
    done = subprocess.run(
        alone.wrapped(["sh", "-c", SCRIPT]),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(
            XDG_RUNTIME_DIR=str(folder / "home"),
            PYTHON=sys.executable,
            HOLDER=HOLDER + "import time; time.sleep(60)",
            NAMES=str(folder / "names"),
            LATER=str(folder / "later"),
            TRANSPORTS=" ".join(TRANSPORTS),
        ),
        check=False,
    )
    if done.returncode == CANNOT:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    steps = (step.partition("\n") for step in done.stdout.split("== ")[1:])
    return {name: text for name, _, text in steps}


def test_a_killed_container_leaves_objects_without_a_ledger(told: dict[str, str]) -> None:
    assert int(told["left"]) > 0
    assert int(told["files"]) > 0
    assert told["clean"] == "0 objects removed\n"


def test_objects_that_were_used_just_now_stay(told: dict[str, str]) -> None:
    """A process may be about to use them."""
    soon = json.loads(told["soon"])
    assert soon["removed"] == soon["orphans"] == []
    assert any("run this again in a minute" in one["reason"] for one in soon["undecided"])


def test_orphans_are_listed_and_stay(told: dict[str, str]) -> None:
    listed = json.loads(told["listed"])
    assert told["kept"] == told["left"]
    assert {one["kind"] for one in listed["orphans"]} >= {"sysv semaphore", "sysv memory", "file"}
    assert listed["removed"] == []
    (finding,) = (
        one for one in json.loads(told["doctor"])["findings"] if one["topic"] == "orphans"
    )
    assert finding["text"].startswith(f"{len(listed['orphans'])} objects")
    assert finding["remedy"] == "ipcbench clean --orphans"


def test_in_another_container_nothing_is_known_of_their_users(told: dict[str, str]) -> None:
    seen = json.loads(told["container"])
    assert seen["orphans"] == []
    assert len(seen["undecided"]) == int(told["left"]) + int(told["files"])
    assert all("PID namespace" in one["reason"] for one in seen["undecided"])


def test_orphans_are_removed_when_asked(told: dict[str, str]) -> None:
    removed = json.loads(told["removed"])
    assert removed["undecided"] == []
    assert len(removed["removed"]) == int(told["left"]) + int(told["files"])
    assert told["rest"].strip() == told["rest-of-files"].strip() == "0"
    assert removed["unlisted"] == []
    assert any("/dev/mqueue/ipcbench-" in name for name in removed["removed"])
    assert told["again"] == "0 orphans, 0 undecided\n"


def test_remove_alone_is_refused() -> None:
    done = ipcbench("clean", "--remove")
    assert done.returncode == 3
    assert done.stderr == (
        "Error: --remove is for --orphans: clean removes by itself: see ipcbench clean --help\n"
    )


def test_the_uptime_of_a_container_says_nothing_about_start_times(tmp_path: Path) -> None:
    """lxcfs(1) shows the container's own uptime, and the kernel's start times."""
    (tmp_path / "uptime").write_text("0.01 0.01\n")
    look = (
        "import os; from ipcbench.transports.kernel_objects.users_of_objects import lives;"
        "print(open('/proc/uptime').read(), lives(os.getpid(), 0.0), lives(os.getpid(), 1e9))"
    )
    done = subprocess.run(
        [
            *inside("--mount"),
            *("sh", "-c", 'mount --bind "$1" /proc/uptime && shift && exec "$@"', "sh"),
            *(str(tmp_path / "uptime"), sys.executable, "-c", look),
        ],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(),
        check=False,
    )
    assert done.stdout.split() == ["0.01", "0.01", "True", "False"], done.stderr
