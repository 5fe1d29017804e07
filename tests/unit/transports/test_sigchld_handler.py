"""Tests of native/child_exit.h: the SIGCHLD handler with several threads in native calls at once.

Each case has a process of its own, which a failure would kill.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ipcbench.transports.native import built, header
from tests import compiling

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

PLAY = """
import os, signal, sys, threading, time
from ipcbench.transports.contract import Role, Spec, Topology
from ipcbench.transports.registry import get
from ipcbench.transports.native import native_of

def handler(number, frame):
    print("heard", flush=True)

def pair():
    transport = get("pipe")
    channel = transport.create(Spec(64, Topology.LINK, native=True))
    seats = [channel.ticket(role, 0) for role in (Role.CLIENT, Role.SERVER)]
    return [native_of(transport.attach(seat, time.monotonic() + 5)) for seat in seats]

def wait(end):
    try:
        print("got", end.recv_into(memoryview(bytearray(64))), flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)

def waiting(end):
    thread = threading.Thread(target=wait, args=(end,), daemon=True)
    thread.start()
    asleep = 0
    while asleep < 10:  # in a row, while it could have the interpreter's lock: it is in read(2)
        time.sleep(0.002)
        stat = open(f"/proc/self/task/{thread.native_id}/stat").read()
        asleep = asleep + 1 if ") S " in stat else 0
    return thread

def send(end, thread):
    end.send(memoryview(bytes(64)))
    thread.join()
    while os.path.exists(f"/proc/self/task/{thread.native_id}"):  # it could still receive a signal
        time.sleep(0.001)

def child():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return pid

signal.signal(signal.SIGCHLD, handler)
(near, one), (far, other) = pair(), pair()
first, second = waiting(one), waiting(other)
"""

HEARD = """
os.waitpid(child(), 0)
time.sleep(0)  # where Python runs its handlers
print("over", flush=True)
"""


def lines_of(script: str) -> list[str]:
    """Run the script in a process; return the lines that it prints."""
    done = subprocess.run([sys.executable, "-c", PLAY + script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("order", ["near, first, far, second", "far, second, near, first"])
def test_python_s_handler_is_back_after_the_last_of_them(order: str) -> None:
    near, first, far, second = order.split(", ")
    played = f"send({near}, {first})\nsend({far}, {second})\n"
    assert lines_of(played + HEARD) == ["got 64", "got 64", "heard", "over"]


def test_a_second_call_still_ends_with_a_child() -> None:
    """The first call returns; the second one is interrupted when a child exits.

    The main thread blocks the signal, which would be delivered to it first.
    """
    script = """
send(near, first)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
child()
second.join()
"""
    assert sorted(lines_of(script)) == ["ChildProcessError", "got 64", "heard"]


def test_a_handler_that_was_set_meanwhile_stays() -> None:
    script = """
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
send(near, first)
send(far, second)
caught = next(line for line in open("/proc/self/status") if line.startswith("SigCgt"))
print(bool(int(caught.split()[1], 16) & 1 << signal.SIGCHLD - 1))
"""
    assert lines_of(script) == ["got 64", "got 64", "False"]


def test_static_tls_is_used_with_glibc_alone(tmp_path: Path) -> None:
    """Static TLS in a module that is loaded later: musl refuses it."""
    reader = shutil.which("readelf")
    if compiling.lacking() or reader is None:
        pytest.skip(compiling.lacking() or "there is no readelf: apt-get install binutils")
    (tmp_path / "features.h").write_text("#include_next <features.h>\n#undef __GLIBC__\n")
    (tmp_path / "module.c").write_text(
        '#include "child_exit.h"\n'
        "ssize_t called(ssize_t (*body)(void *), void *of) { return ipcbench_call(body, of); }\n"
    )
    for name, before in (("glibc", []), ("another", [tmp_path])):
        included = [*(f"-I{folder}" for folder in (*before, header())), *compiling.HEADERS]
        command = [compiling.COMPILER, "-std=gnu11", "-shared", "-fPIC", "-O1", *included]
        made = tmp_path / f"{name}.so"
        subprocess.run([*command, "-o", made, tmp_path / "module.c"], check=True)
        done = subprocess.run([reader, "-d", made], check=True, capture_output=True, text=True)
        assert ("STATIC_TLS" in done.stdout) == (name == "glibc")
