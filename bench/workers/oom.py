"""The OOM killer: processes of a run are its first victims, and their failures name it."""

from __future__ import annotations

import contextlib
import os

import msgspec

from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.transports.base.memory import bound, oom_kills

_FIRST = b"1000"  # of oom_score_adj: killed before any other process, proc_pid_oom_score_adj(5)
_KILLED = "was killed by SIGKILL"


def be_first_victim() -> None:
    """Let the OOM killer choose this process and its future children before all others.

    The command and the fork server then survive, and can report the failure.
    """
    with contextlib.suppress(OSError):  # there is no /proc
        file = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, _FIRST)
        finally:
            os.close(file)


class OomWatch:
    """The OOM killer's count at one moment, to tell later whether it has struck."""

    def __init__(self) -> None:
        self._before = oom_kills()

    def explain(self, failure: ProcessFailure) -> ProcessFailure:
        """Return the failure; a kill by SIGKILL while the count rose names the OOM killer."""
        if _KILLED not in failure.what or oom_kills() <= self._before:
            return failure
        limit = bound()
        size = "" if limit.value is None else f", {limit.value // 2**20} MiB,"
        return msgspec.structs.replace(
            failure,
            what=f"{failure.what} of the OOM killer: the memory {limit.source}{size} is used up",
            remedy=limit.remedy,
        )
