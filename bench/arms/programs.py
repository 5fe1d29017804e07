"""Programs of the preparation, such as git and pip: one line of a failure, an end for all."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ipcbench.bench.arms.arm import ArmError
from ipcbench.bench.results.untrusted import one_line

_COMPILER = re.compile(r":\d+: (fatal )?error: ")
_ERROR = re.compile(r"(?i)(\b(fatal )?error:|^\w*(Error|Exception): )")
# What a failure ends with, which says nothing about its reason.
_EMPTY = re.compile(
    r"(?i)metadata-generation-failed|subprocess-exited|failed building wheel|failed to build"
    r"|could not build wheels|\bcommand \W*[^']*(gcc|cc|clang|c\+\+)"
)


class Failed(Exception):
    """A program that has failed, with its whole output, and the line of it that says why."""

    def __init__(self, output: str, reason: str = "") -> None:
        super().__init__(reason or reason_of(output))
        self.output = output


class Programs:
    """Programs that run, in sessions of their own, and end together.

    `watch` is called with the pid of each that may run for long, so that it does not outlive a
    command that is killed.
    """

    def __init__(self, watch: Callable[[int], None] = lambda pid: None) -> None:
        self._watch = watch
        self._running: set[subprocess.Popen[str]] = set()
        self._guard = threading.Lock()
        self._stopped = False

    def is_stopped(self) -> bool:
        """Tell whether `stop` was called."""
        return self._stopped

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        given: str | None = None,
        keep: Sequence[int] = (),
    ) -> str:
        """Run one to its end; return its output.

        `given`: what it reads. `keep`: descriptors that one that may run for long inherits.

        Raises: Failed, ArmError where it cannot be started.
        """
        process = self._started(command, cwd, environment, given, keep)
        try:
            if keep:
                self._watch(process.pid)
            output, _ = process.communicate(given)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            self._running.discard(process)
        if process.returncode != 0:
            raise Failed(output)
        return output

    def _started(
        self,
        command: Sequence[str | Path],
        cwd: Path,
        environment: Mapping[str, str],
        given: str | None,
        keep: Sequence[int],
    ) -> subprocess.Popen[str]:
        with self._guard:
            if self._stopped:
                raise Failed("the command is stopped")
            try:
                process = subprocess.Popen(
                    list(map(str, command)),
                    cwd=cwd,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    pass_fds=list(keep),
                    start_new_session=True,
                )
            except OSError as error:
                raise ArmError(
                    f"{command[0]} cannot be run: {error.strerror}", f"install {command[0]}"
                ) from error
            self._running.add(process)
            return process

    def stop(self) -> None:
        """End all that run, and start none any more."""
        with self._guard:
            self._stopped = True
            for process in self._running:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def reason_of(output: str) -> str:
    """Return the line of an output that says why it failed.

    It is the first error of a compiler, the last one of another program, or the first line.
    """
    lines = [line.strip() for line in output.splitlines() if re.search(r"\w", line)]
    compiler = [line for line in lines if _COMPILER.search(line)]
    errors = [line for line in lines if _ERROR.search(line)]
    telling = [line for line in errors if not _EMPTY.search(line)]
    chosen = compiler[:1] or telling[-1:] or errors[-1:] or lines[:1] or ["it says nothing"]
    return one_line(chosen[0])
