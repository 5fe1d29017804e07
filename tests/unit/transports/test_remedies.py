"""What would help, by the error: of the call, of a file, of a binding that has no numbers."""

from __future__ import annotations

import errno
import os
import resource

import pytest

from ipcbench.transports.base import refused
from ipcbench.transports.base.os_errors import MORE_PROCESSES, describe, remedy


def of(number: int, name: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), name)


def test_more_descriptors_than_there_are() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert remedy(of(errno.EMFILE)) == f"ulimit -n {max(1024, 2 * soft)}"


@pytest.mark.parametrize("number", [errno.ENFILE, errno.ENOMEM])
def test_what_the_whole_machine_lacks(number: int) -> None:
    assert remedy(of(number))


def test_a_thread_too_many() -> None:
    assert remedy(RuntimeError("can't start new thread")) == MORE_PROCESSES


def test_what_nobody_knows_a_remedy_for() -> None:
    assert remedy(of(errno.EIO)) == remedy(RuntimeError("no")) == ""
    assert refused("read(2)", of(errno.EIO)).remedy == ""


def test_a_call_is_refused_and_not_a_file() -> None:
    """EACCES of a file is about that file: what helps is the caller's to say."""
    assert "seccomp" in refused("msgget(2)", of(errno.EACCES), "chmod").remedy
    assert refused("open(2)", of(errno.EACCES, "/etc/shadow"), "chmod").remedy == "chmod"


def test_a_binding_s_format_that_nobody_filled_in() -> None:
    sysv_ipc = pytest.importorskip("sysv_ipc")
    assert describe(sysv_ipc.PermissionsError("Permission %o cannot be")) == "Permission denied"
    assert "seccomp" in refused("shmget(2)", sysv_ipc.PermissionsError("%o")).remedy
