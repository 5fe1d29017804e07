"""Confinement of a command: its own namespaces, resource limits, a seccomp filter.

Other processes are not affected, and the kernel itself refuses what is forbidden. As a
program this file confines itself and then executes the given command, so that no code of a
test runs between fork(2) and execve(2).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import platform
import resource
import socket
import struct
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

CANNOT = 77  # exit code: this machine does not permit the confinement

# Numbers of system calls: asm/unistd_64.h of x86-64, asm-generic/unistd.h elsewhere.
_CALLS = {
    "x86_64": {
        "clone": 56, "clone3": 435, "eventfd2": 290, "flock": 73, "fork": 57, "futex_waitv": 449,
        "memfd_create": 319, "mknodat": 259, "mq_open": 240, "msgget": 68, "pidfd_open": 434,
        "pipe2": 293, "sched_setaffinity": 203, "semget": 64, "shmget": 29, "socket": 41,
        "socketpair": 53, "vfork": 58,
    },
    "aarch64": {
        "clone": 220, "clone3": 435, "eventfd2": 19, "flock": 32, "futex_waitv": 449,
        "memfd_create": 279, "mknodat": 33, "mq_open": 180, "msgget": 186, "pidfd_open": 434,
        "pipe2": 59, "sched_setaffinity": 122, "semget": 190, "shmget": 194, "socket": 198,
        "socketpair": 199,
    },
}  # fmt: skip

# <linux/sched.h>, <linux/prctl.h>, <linux/seccomp.h>, <linux/bpf_common.h>
_NEWNS, _NEWIPC, _NEWUSER, _NEWNET = 0x00020000, 0x08000000, 0x10000000, 0x40000000
_NAMESPACES = {"mount": _NEWNS, "ipc": _NEWIPC, "net": _NEWNET}
_MS_REC, _MS_PRIVATE, _MS_BIND = 0x4000, 1 << 18, 0x1000
_MNT_DETACH = 2
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_CAPABILITY_VERSION_3, _DAC_READ_SEARCH = 0x20080522, 2
# A uid without a user, one for each test process: RLIMIT_NPROC counts all processes of a uid.
NOBODY = 65533 - int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Confinement:
    """Restrictions of a command.

    Attributes:
        namespaces: mount, ipc, net.
        tmpfs: path -> options of an empty file system mounted there.
        files: path -> bytes of a file that is written there, to fill a file system.
        devices: the complete content of /dev.
        settings: path below /proc/sys -> value, in the private namespaces.
        limits: name (RLIMIT_…) -> soft bound.
        refused: system call -> name of the errno.
        user: run as a user without processes and privileges.
        cgroup: folder of the cgroup to join.
        cpus: the allowed CPUs.
        loopback: set the loopback device of the private network namespace up.
    """

    namespaces: tuple[str, ...] = ()
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    devices: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    user: bool = False
    cgroup: str = ""
    cpus: tuple[int, ...] = ()
    loopback: bool = False

    def wrapped(self, command: list[str]) -> list[str]:
        """Build the command line that runs `command` under the confinement."""
        return [sys.executable, __file__, json.dumps(asdict(self)), *command]


def _called(name: str, *arguments: Any) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _unshare(names: list[str]) -> None:
    """Create private namespaces; without root this takes a user namespace: user_namespaces(7)."""
    flags = 0
    for name in names:
        flags |= _NAMESPACES[name]
    _called("unshare", flags)
    if "mount" in names:
        _called("mount", None, b"/", None, _MS_REC | _MS_PRIVATE, None)


def _devices(names: list[str]) -> None:
    """Reduce /dev to these devices, as a container does, in the private mount namespace."""
    stage = Path("/proc")  # a folder of every machine; unmounted again at once
    _called("mount", b"tmpfs", bytes(stage), b"tmpfs", 0, None)
    for name in names:
        there, here = Path("/dev", name), stage / name
        if there.is_dir():
            here.mkdir()
        else:
            here.touch()
        _called("mount", bytes(there), bytes(here), None, _MS_BIND, None)
    _called("mount", bytes(stage), b"/dev", None, _MS_BIND | _MS_REC, None)
    _called("umount2", bytes(stage), _MNT_DETACH)


def _loopback() -> None:
    """Set the loopback device up: netdevice(7), SIOCSIFFLAGS with IFF_UP and IFF_RUNNING."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14s", b"lo", 0x1 | 0x40, b""))


def _become_root() -> None:
    """Become root of a new user namespace, without privilege: user_namespaces(7)."""
    uid, gid = os.getuid(), os.getgid()
    _called("unshare", _NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def _become_nobody() -> None:
    """Become a user without processes, because RLIMIT_NPROC does not bind root: getrlimit(2)."""
    os.setgroups([])
    os.setgid(NOBODY)
    _called("prctl", _PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setuid(NOBODY)
    head = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    # Allow reading everything, since Python may lie where only root reads; but not writing.
    sets = struct.pack("=6I", *[1 << _DAC_READ_SEARCH] * 3, *[0] * 3)
    _called("capset", head, sets)
    # Kept over execve(2): capabilities(7).
    _called("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _DAC_READ_SEARCH, 0, 0)


def _refuse(calls: Mapping[str, str]) -> None:
    """Let the kernel fail these system calls with an error: seccomp(2)."""
    numbers = _CALLS[platform.machine()]
    program = [(_LOAD, 0, 0, 0)]  # load the system call's number, the first field of seccomp_data
    for name, error in calls.items():
        if name in numbers:  # only x86 has fork and vfork as separate system calls
            program.append((_EQUAL, 0, 1, numbers[name]))
            program.append((_RETURN, 0, 0, _ERRNO | getattr(errno, error)))
    program.append((_RETURN, 0, 0, _ALLOW))
    filters = b"".join(struct.pack("=HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(filters)
    filter_program = ctypes.create_string_buffer(
        struct.pack("@HP", len(program), ctypes.addressof(buffer))
    )
    _called("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _called("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, filter_program, 0, 0)


def main() -> None:
    restrictions = json.loads(sys.argv[1])
    try:
        in_namespace = os.getuid() != 0
        if in_namespace and (restrictions["namespaces"] or restrictions["user"]):
            _become_root()
        if restrictions["cgroup"]:
            Path(restrictions["cgroup"], "cgroup.procs").write_text(
                "0"
            )  # 0: this process, cgroups(7)
        if restrictions["namespaces"]:
            _unshare(restrictions["namespaces"])
        if restrictions["loopback"]:
            _loopback()
        for path, value in restrictions["settings"].items():
            Path("/proc/sys", path).write_text(value)
        for path, options in restrictions["tmpfs"].items():
            _called("mount", b"tmpfs", path.encode(), b"tmpfs", 0, options.encode())
        for path, size in restrictions["files"].items():
            Path(path).write_bytes(bytes(size))
        if restrictions["devices"]:
            _devices(restrictions["devices"])
        if restrictions["cpus"]:
            os.sched_setaffinity(0, restrictions["cpus"])
        if restrictions["user"] and not os.getuid() and not in_namespace:
            _become_nobody()
        for name, bound in restrictions["limits"].items():
            _, hard = resource.getrlimit(getattr(resource, name))
            resource.setrlimit(getattr(resource, name), (bound, hard))
        if restrictions["refused"]:
            _refuse(restrictions["refused"])
        os.execvp(sys.argv[2], sys.argv[2:])
    except (OSError, KeyError, ValueError) as error:
        print(f"not permitted on this machine: {error!r}", file=sys.stderr)
        sys.exit(CANNOT)


if __name__ == "__main__":
    main()
