"""Fork server: a single-threaded process with all modules imported, restarted every round.

It forks one worker a run, is its watchdog, and waits for every process below it. Forking
takes a millisecond, where starting Python and importing pyperf takes a hundred. A new
server every round varies address layouts and hash seeds between rounds, which are part of
the noise that rounds sample.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ipcbench.bench.errors import BenchError
from ipcbench.bench.machine.standard_streams import open_standard_streams
from ipcbench.bench.workers.control import LARGEST, ProcessFailure, failure_of
from ipcbench.bench.workers.job import PROTOCOL, Job, Outcome, Phase, Reply, read_reports
from ipcbench.bench.workers.oom import OomWatch, be_first_victim
from ipcbench.bench.workers.process import adopt_orphans, die_with, fork, how_it_ended
from ipcbench.bench.workers.worker_log import last_line, open_log
from ipcbench.transports.base import close_all, refused
from ipcbench.transports.base.os_errors import MORE_PROCESSES
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.kernel_objects.ledger import (
    current,
    process_start,
    remove_standing,
)
from ipcbench.transports.registry import get

REAP_TIME = 2.0  # seconds for killed processes to go
NEWS_TIME = 0.5  # seconds between two checks for a peer's end that the worker missed
START_TIME = 30.0  # seconds for a fork server to import all modules
WATCHDOG = "watchdog"  # the name in failures of runs that did not end
ANSWER_TIME = 10.0  # seconds for a reply, in addition to the deadline of its job

_encoder = msgspec.json.Encoder()
_jobs: msgspec.json.Decoder[Job] = msgspec.json.Decoder(Job)
_replies: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


class ForkServerLost(BenchError):
    """The fork server is gone, does not answer, or cannot be started."""


class ForkServer:
    """The command's handle on a fork server."""

    def __init__(self) -> None:
        """Start one and wait until it is ready. Raises: ForkServerLost."""
        try:
            here, self._process = _start()
        except OSError as error:
            reason = refused("starting the fork server", error, MORE_PROCESSES)
            raise ForkServerLost(reason.reason, reason.remedy) from error
        self.pid = self._process.pid
        self._socket = here
        self._lines = here.makefile("rb")
        try:
            self._meet()
        except ForkServerLost:
            self.close()
            raise

    def _meet(self) -> None:
        """Wait until it is ready. Raises: ForkServerLost."""
        ready = self._reply(START_TIME)
        if ready.failure is not None:
            raise ForkServerLost(ready.failure.what, ready.failure.remedy)
        if ready.protocol != PROTOCOL:
            raise ForkServerLost(
                f"the fork server uses version {ready.protocol} of the protocol, and the "
                f"command version {PROTOCOL}",
                "install ipcbench anew, and start it again",
            )

    def run(self, job: Job) -> Reply:
        """Have one worker do the job.

        Raises: ForkServerLost, also where the answer is that of another job.
        """
        try:
            self._socket.sendall(job.encoded() + b"\n")
        except OSError as error:
            raise ForkServerLost(f"the fork server is gone: {error.strerror}") from error
        reply = self._reply(job.deadline + ANSWER_TIME)
        if not reply.answers(job):
            raise ForkServerLost(
                f"the fork server answers another job: {reply.cell or 'none'}, round "
                f"{reply.round}, attempt {reply.attempt}"
            )
        return reply

    def _reply(self, seconds: float) -> Reply:
        answer = self._answer(seconds)
        try:
            return _replies.decode(answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ForkServerLost(f"the worker's reply cannot be read: {error}") from error

    def _answer(self, seconds: float) -> bytes:
        self._socket.settimeout(seconds)
        try:
            line = self._lines.readline()
        except OSError as error:
            raise ForkServerLost(f"the fork server does not answer: {error}") from error
        if not line:
            raise ForkServerLost("the fork server is gone")
        return line

    def close(self) -> None:
        """End it with all processes below it. Twice is harmless."""
        self._lines.close()
        self._socket.close()
        try:
            self._process.wait(timeout=REAP_TIME)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _start() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start a new one; return our end of the connection, and its process. Raises: OSError."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with there:
        try:
            return here, subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "ipcbench.bench.workers.fork_parent",
                    str(there.fileno()),
                    str(os.getpid()),
                ],
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches the command alone
            )
        except BaseException:
            here.close()
            raise


# In the fork server


class _Attempt:
    """One forked worker, watched until it and all processes below it have ended."""

    def __init__(self, job: Job, runner: Any, log: int) -> None:
        """Fork the worker. Raises: Unavailable."""
        self._job = job
        self._log = log
        self._began = time.monotonic()
        self._oom = OomWatch()
        os.ftruncate(log, 0)
        parent = os.getpid()
        with contextlib.ExitStack() as undo:
            suite, suite_far = _pipe(undo)
            report, report_far = _pipe(undo)
            self._pid = fork(
                lambda: _be_worker(
                    job, runner, parent, self._began, log, (suite, report), (suite_far, report_far)
                )
            )
            undo.pop_all()
        with contextlib.suppress(OSError):
            os.setpgid(self._pid, self._pid)
        os.close(suite_far)
        os.close(report_far)
        self._pipes = {suite: bytearray(), report: bytearray()}
        self._suite, self._report = suite, report
        for fd in self._pipes:
            os.set_blocking(fd, False)

    def reply(self) -> Reply:
        """Wait for the end of the run; return the reply. Raises: Unavailable."""
        try:
            stuck = self._watch()
        except Unavailable:
            self._reap()
            remove_standing(current())
            raise
        suite, report = bytes(self._pipes[self._suite]), bytes(self._pipes[self._report])
        status = self._reap()
        failure, outcome, where = None, None, "start"
        for written in read_reports(report):
            if isinstance(written, Phase):
                where = written.where
            elif isinstance(written, Outcome):
                outcome = written
            else:
                failure = failure or written
        if stuck:
            failure = ProcessFailure(WATCHDOG, where, stuck)
        elif failure is None and (outcome is None or not suite):
            failure = ProcessFailure(
                "the worker", where, f"{how_it_ended(status)}{last_line(self._log)}"
            )
        if failure is not None:
            failure = self._oom.explain(failure)
            failure.where = failure.where or where
            remove_standing(current())
            return Reply(failure=failure, wall=time.monotonic() - self._began)
        return Reply(
            suite=msgspec.Raw(suite.strip()), outcome=outcome, wall=time.monotonic() - self._began
        )

    def _watch(self) -> str:
        """Read the worker's output until it ends; return the reason to kill it, or ""."""
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
                if worker in ready:
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

    def _states(self) -> str:
        """Describe the state of each process of the run: proc_pid_stat(5), proc_pid_wchan(5)."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ValueError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == self._pid:
                    who = "worker" if int(folder.name) == self._pid else "peer"
                    where = (folder / "wchan").read_text() or "0"
                    asleep = "runs" if fields[0] == "R" else f"waits in {where}"
                    found.append(f"{who} {folder.name} {asleep}")
        return ", ".join(sorted(found))

    def _reap(self) -> int:
        """Kill the processes left of the run and wait for them; return the worker's wait status."""
        for fd in self._pipes:
            os.close(fd)
        with contextlib.suppress(ProcessLookupError):
            # The id of a worker's group is not reused before the worker is waited for.
            os.killpg(self._pid, signal.SIGKILL)
        worker = 0
        deadline = time.monotonic() + REAP_TIME
        while time.monotonic() < deadline:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == self._pid:
                worker = status
            if pid == 0:
                time.sleep(0.001)
        return worker


def _pipe(undo: contextlib.ExitStack) -> tuple[int, int]:
    """Make a pipe that `undo` closes. Raises: Unavailable."""
    try:
        ends = os.pipe2(os.O_CLOEXEC)
    except OSError as error:
        raise refused("pipe(2)", error) from error
    undo.callback(close_all, ends)
    return ends


def _be_worker(
    job: Job,
    runner: Any,
    parent: int,
    began: float,
    log: int,
    theirs: tuple[int, ...],
    ours: tuple[int, int],
) -> int:
    from ipcbench.bench.workers.worker import work

    os.setpgid(0, 0)
    die_with(parent)
    be_first_victim()
    for fd in theirs:
        os.close(fd)
    os.dup2(log, 1)
    os.dup2(log, 2)
    work(job, runner, began, *ours)
    return 0


def serve(connection: socket.socket, make_runner: Callable[[], Any]) -> None:
    """Answer jobs, one a line, until the command closes the connection."""
    log = open_log()
    runner = make_runner()
    gc.collect()
    gc.freeze()  # the objects of now are never collected: their pages stay shared with forks
    connection.sendall(_encoder.encode(Reply(protocol=PROTOCOL)) + b"\n")  # ready
    with connection.makefile("rb") as lines:
        for line in lines:
            job = _jobs.decode(line)
            get(job.cell.transport)  # imported here once, not in every worker
            try:
                reply = _Attempt(job, runner, log).reply()
            except Unavailable as reason:
                reply = Reply(failure=failure_of("the fork server", reason, "start"))
            reply.name_after(job)
            connection.sendall(_encoder.encode(reply) + b"\n")


def main() -> None:
    """Run a fork server: its arguments are the connection's descriptor and the parent's pid."""
    open_standard_streams()
    fd, parent = int(sys.argv[1]), int(sys.argv[2])
    die_with(parent)
    adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError), socket.socket(fileno=fd) as connection:
        try:
            _prepare_and_serve(connection)
        except (OSError, ImportError, MemoryError) as error:
            failure = failure_of("the fork server", error)
            connection.sendall(_encoder.encode(Reply(failure=failure)) + b"\n")


def _prepare_and_serve(connection: socket.socket) -> None:
    from ipcbench.bench.machine.cpu_time import ROOT  # before the fork, not after it
    from ipcbench.bench.workers import pyperf_runner, worker
    from ipcbench.bench.workers.account import kernel_workers, limits

    kernel_workers(ROOT).begin(os.sched_getaffinity(0))  # their files stay open
    limits(ROOT)
    worker.last_cache()
    serve(connection, pyperf_runner.make)


if __name__ == "__main__":
    main()
