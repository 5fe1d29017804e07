"""Tests of remedies, by the error: of a call, of a file, of a binding without numbers."""

from __future__ import annotations

import errno
import os
import resource

import pytest

from ipcbench.transports.base import refused
from ipcbench.transports.base.os_errors import MANY_FILES, MORE_PROCESSES, describe, remedy
from ipcbench.transports.base.remedies import raise_limit


def of(number: int, name: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), name)


def test_too_many_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, MANY_FILES)
    wanted = max(1024, 2 * soft, most)
    assert remedy(of(errno.EMFILE)) == raise_limit("RLIMIT_NOFILE", wanted)


@pytest.mark.parametrize("number", [errno.ENFILE, errno.ENOMEM])
def test_a_lack_of_the_whole_machine(number: int) -> None:
    assert remedy(of(number))


def test_a_thread_too_many() -> None:
    assert remedy(RuntimeError("can't start new thread")) == MORE_PROCESSES


def test_an_error_without_a_remedy() -> None:
    assert remedy(of(errno.EIO)) == remedy(RuntimeError("no")) == ""
    assert refused("read(2)", of(errno.EIO)).remedy == ""


def test_a_refused_call_differs_from_a_refused_file() -> None:
    """EACCES of a file concerns that file: the caller knows the remedy."""
    assert "seccomp" in refused("msgget(2)", of(errno.EACCES), "chmod").remedy
    assert refused("open(2)", of(errno.EACCES, "/etc/shadow"), "chmod").remedy == "chmod"


def test_a_binding_s_text_that_is_an_empty_format() -> None:
    sysv_ipc = pytest.importorskip("sysv_ipc")
    assert describe(sysv_ipc.PermissionsError("Permission %o cannot be")) == "Permission denied"
    assert "seccomp" in refused("shmget(2)", sysv_ipc.PermissionsError("%o")).remedy
