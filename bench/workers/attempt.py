"""One run, as the fork server sees it: a worker that waits for a job, and is watched.

The server forks a worker when it has answered the last job: while the command writes its
journal, the worker starts. By then every process of the last run has ended, so nothing but the
command runs beside it. A worker has one job, and takes nothing from another run.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from ipcbench.bench.workers.control import LARGEST, ProcessFailure
from ipcbench.bench.workers.job import (
    Job,
    Outcome,
    Phase,
    Reply,
    read_reports,
    receive_job,
    send_job,
)
from ipcbench.bench.workers.oom import OomWatch, be_first_victim
from ipcbench.bench.workers.process import die_with, fork, how_it_ended
from ipcbench.transports.base import close_all, refused
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.kernel_objects.ledger import current, process_start, remove_standing

REAP_TIME = 2.0  # seconds for killed processes to go
REAP_STEP = 0.0002  # seconds between two looks for them
NEWS_TIME = 0.5  # seconds between two checks for a peer's end that the worker missed
LOG_END = 4096  # bytes of the output that are read
WATCHDOG = "watchdog"  # the name in failures of runs that did not end


class Attempt:
    """One forked worker, watched until it and all processes below it have ended.

    `start`, then `reply`, then `end`; or `end` alone, where it is not needed.
    """

    def __init__(self, runner: Any, log: int, last: Job | None = None) -> None:
        """Fork the worker, which waits for its job. Raises: Unavailable.

        `last`: a job that it rehearses meanwhile.
        """
        self._log = log
        parent = os.getpid()
        with contextlib.ExitStack() as undo:
            job_far, self._job_pipe = _pipe(undo)
            suite, suite_far = _pipe(undo)
            report, report_far = _pipe(undo)
            ours = (self._job_pipe, suite, report)
            theirs = (job_far, suite_far, report_far)
            self._pid = fork(lambda: _be_worker(runner, parent, log, ours, theirs, last))
            undo.pop_all()
        with contextlib.suppress(OSError):
            os.setpgid(self._pid, self._pid)
        close_all(theirs)
        self._pipes = {suite: bytearray(), report: bytearray()}
        self._ended: set[int] = set()  # the pipes that the worker has closed
        self._suite, self._report = suite, report
        self._stuck = ""  # the reason why the watchdog has ended it
        for fd in self._pipes:
            os.set_blocking(fd, False)

    def start(self, job: Job, encoded: bytes) -> bool:
        """Give the worker its job; return False where it has ended while it waited."""
        os.ftruncate(self._log, 0)
        os.lseek(self._log, 0, os.SEEK_SET)  # that of all processes: they write from there on
        self._job, self._began = job, time.monotonic()
        pipe, self._job_pipe = self._job_pipe, -1  # closed
        try:
            send_job(pipe, encoded)
        except BrokenPipeError:
            self.end()
            return False
        finally:
            os.close(pipe)
            self._oom = OomWatch()
        return True

    @property
    def is_unheard(self) -> bool:
        """Tell whether the worker has ended without a word: it was killed before its job began."""
        return self._pid == 0 and not self._pipes[self._report] and not self._stuck

    def reply(self) -> Reply:
        """Wait for the end of the run; return the reply. Raises: Unavailable.

        After a failure all its processes have ended. After a success the worker is about to,
        and has nothing left to remove.
        """
        try:
            stuck = self._stuck = self._watch()
        except Unavailable:
            self.end()
            remove_standing(current())
            raise
        suite, report = self._written(self._suite), self._written(self._report)
        failure, outcome, where = None, None, "start"
        for written in read_reports(report):
            if isinstance(written, Phase):
                where = written.where
            elif isinstance(written, Outcome):
                outcome = written
            else:
                failure = failure or written
        if not stuck and failure is None and outcome is not None and suite:
            wall = time.monotonic() - self._began
            return Reply(suite=msgspec.Raw(suite.strip()), outcome=outcome, wall=wall)
        status = self.end()
        if stuck:
            failure = ProcessFailure(WATCHDOG, where, stuck)
        elif failure is None:
            failure = ProcessFailure(
                "the worker", where, f"{how_it_ended(status)}{last_line(self._log)}"
            )
        failure = self._oom.explain(failure)
        failure.where = failure.where or where
        remove_standing(current())
        return Reply(failure=failure, wall=time.monotonic() - self._began)

    def _written(self, pipe: int) -> bytes:
        return bytes(self._pipes[pipe])

    def _watch(self) -> str:
        """Read the worker's output until it is whole; return the reason to kill it, or ""."""
        poller = select.poll()
        try:
            worker = os.pidfd_open(self._pid)
        except OSError as error:
            raise refused("pidfd_open(2), of Linux 5.3,", error) from error
        for fd in (worker, *self._pipes):
            poller.register(fd, select.POLLIN)
        deadline = self._began + self._job.deadline
        try:
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    return f"no end after {self._job.deadline:.0f} s: {self._states()}"
                ready = {fd for fd, _ in poller.poll(min(left, NEWS_TIME) * 1000)}
                if not ready:
                    self._repeat_news()
                for fd in self._pipes if worker in ready else ready:
                    self._drain(fd, poller)
                if max(map(len, self._pipes.values())) > LARGEST:
                    return f"the worker wrote over {LARGEST >> 20} MiB of results"
                if worker in ready or self._is_whole():
                    return ""
        finally:
            os.close(worker)

    def _repeat_news(self) -> None:
        """Send SIGCHLD once more where the worker has missed a peer's end.

        Python runs signal handlers between two of its instructions: a signal that arrives
        after its check, and before the facility's wait begins, does not end that wait. Of
        several pending SIGCHLD the kernel keeps one, so a peer's stop may hide its end:
        signal(7). This signal ends a native wait too (transports/native/child_exit.h).
        """
        with contextlib.suppress(OSError):  # the worker itself may be gone
            children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
            if any(process_start(int(child)) is None for child in children):  # not waited for yet
                os.kill(self._pid, signal.SIGCHLD)

    def _drain(self, fd: int, poller: select.poll) -> None:
        with contextlib.suppress(BlockingIOError):
            while data := os.read(fd, 1 << 16):
                self._pipes[fd] += data
                if len(self._pipes[fd]) > LARGEST:
                    return
            with contextlib.suppress(KeyError):  # at its end already the last time
                poller.unregister(fd)
            self._ended.add(fd)

    def _is_whole(self) -> bool:
        """Tell whether both pipes are at their end, and the last line is an outcome."""
        if len(self._ended) < len(self._pipes):
            return False
        return any(isinstance(one, Outcome) for one in read_reports(self._written(self._report)))

    def _states(self) -> str:
        """Describe the state of each process of the run."""
        group = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ValueError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == self._pid:
                    group.append(int(folder.name))
        return describe_processes(group, self._pid)

    def end(self) -> int:
        """Kill the processes left of the run and wait for them; return the worker's wait status.

        Twice is harmless.
        """
        if self._pid == 0:
            return 0
        close_all([fd for fd in (*self._pipes, self._job_pipe) if fd >= 0])
        with contextlib.suppress(ProcessLookupError):
            # The id of a worker's group is not reused before the worker is waited for.
            os.killpg(self._pid, signal.SIGKILL)
        worker, deadline = 0, time.monotonic() + REAP_TIME
        while time.monotonic() < deadline:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == self._pid:
                worker = status
            if pid == 0:
                time.sleep(REAP_STEP)
        self._pid = 0
        return worker


def open_log() -> int:
    """Open a file without a name for the output of workers; return its descriptor.

    Its last line explains a failure. Raises: OSError.
    """
    try:
        return os.memfd_create("worker output")
    except OSError:  # a container may refuse the call; any file will do
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())


def describe_processes(pids: Iterable[int], first: int) -> str:
    """Describe what processes wait in: proc_pid_stat(5), proc_pid_wchan(5)."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError, ValueError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            who = "worker" if pid == first else "peer"
            where = Path(f"/proc/{pid}/wchan").read_text() or "0"
            asleep = "runs" if fields[0] == "R" else f"waits in {where}"
            found.append(f"{who} {pid} {asleep}")
    return ", ".join(sorted(found))


def last_line(log: int) -> str:
    """Return the last line that was written to a log, after a colon, or ""."""
    end = os.pread(log, LOG_END, max(0, os.fstat(log).st_size - LOG_END)).decode(errors="replace")
    last = [line for line in end.splitlines() if line.strip()][-1:]
    return f": {last[0]}" if last else ""


def _pipe(undo: contextlib.ExitStack) -> tuple[int, int]:
    """Make a pipe that `undo` closes. Raises: Unavailable."""
    try:
        ends = os.pipe2(os.O_CLOEXEC)
    except OSError as error:
        raise refused("pipe(2)", error) from error
    undo.callback(close_all, ends)
    return ends


def _be_worker(
    runner: Any,
    parent: int,
    log: int,
    theirs: tuple[int, ...],
    ours: tuple[int, int, int],
    last: Job | None,
) -> int:
    """Run a worker's process from fork to end; return its exit code."""
    from ipcbench.bench.workers.worker import rehearse, work

    gc.disable()
    os.setpgid(0, 0)
    die_with(parent)
    be_first_victim()
    close_all(theirs)
    os.dup2(log, 1)
    os.dup2(log, 2)
    job_fd, suite_fd, report_fd = ours
    if last is not None:
        rehearse(last)
    job = receive_job(job_fd)
    if job is not None:
        work(job, runner, time.monotonic(), suite_fd, report_fd)
    return 0
