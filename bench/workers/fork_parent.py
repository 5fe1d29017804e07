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
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

import ipcbench
from ipcbench.bench.errors import BenchError
from ipcbench.bench.machine.standard_streams import open_standard_streams
from ipcbench.bench.version import VERSION
from ipcbench.bench.workers import attempt
from ipcbench.bench.workers.control import ProcessFailure, failure_of
from ipcbench.bench.workers.job import PROTOCOL, Job, Reply, decoded
from ipcbench.bench.workers.process import adopt_orphans, die_with, flush
from ipcbench.transports.base import refused
from ipcbench.transports.base.os_errors import MORE_PROCESSES
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.registry import UnknownTransport, get

CLOSE_TIME = 2.0  # seconds for it to end, with all processes below it
FEW_PROCESSES = 64  # of a user: getrlimit(2)
START_TIME = 30.0  # seconds for a fork server to import all modules
MODULE = "ipcbench.bench.workers.fork_parent"
WATCHDOG = attempt.WATCHDOG
ANSWER_TIME = 10.0  # seconds for a reply, in addition to the deadline of its job

_encoder = msgspec.json.Encoder()
_replies: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


class ForkServerLost(BenchError):
    """The fork server is gone, does not answer, or cannot be started."""


_Started = tuple[socket.socket, "subprocess.Popen[bytes]"]


@dataclass(frozen=True, slots=True)
class Program:
    """The interpreter that fork servers are started with, and its environment.

    Attributes:
        executable: the path of a Python that has ipcbench.
        changes: variables of its environment, instead of the command's or besides them.
        dropped: those of the command that it does not have.
        name: tells two arms with the same interpreter apart, each of which has servers of its own.
        package: the folder of the ipcbench that its servers must have; "": any.
    """

    executable: str = sys.executable
    changes: tuple[tuple[str, str], ...] = ()
    dropped: tuple[str, ...] = ()
    name: str = ""
    package: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a server that starts now."""
        own = {name: value for name, value in os.environ.items() if name not in self.dropped}
        return {**own, **dict(self.changes)}


HERE = Program()


class _Starts:
    """Starts of fork servers: one at a time, or two, of which one is kept for the next start."""

    def __init__(self) -> None:
        self.in_pairs = False
        self.in_turn = False  # those that are kept are started by `ahead` alone
        self._kept: dict[Program, _Started] = {}
        self._new: set[Program] = set()  # of which `next` has started one

    def next(self, program: Program) -> _Started:
        """Return the one that is kept and still runs, or start one. Raises: OSError."""
        kept = self._kept.pop(program, None)
        if kept is not None:
            if kept[1].poll() is None:
                return kept
            kept[0].close()
        found = _start(program)
        self._new.add(program)
        if not self.in_turn:
            self.ahead(program)
        return found

    def ahead(self, program: Program) -> None:
        """Start one to keep, if the last `next` has started one."""
        if self.in_pairs and program in self._new:
            with contextlib.suppress(OSError):  # the next start tries it again, and reports it
                self._kept[program] = _start(program)
        self._new.discard(program)

    def settle(self) -> None:
        """Wait until those that are kept are ready: they must not run beside a timed block."""
        for program, (connection, _) in list(self._kept.items()):
            connection.settimeout(START_TIME)
            ready = b""
            with contextlib.suppress(OSError):
                # Its message stays for `ForkServer.meet`.
                ready = connection.recv(1, socket.MSG_PEEK)
            if not ready:
                _end(*self._kept.pop(program))

    def end(self) -> None:
        """End those that are kept."""
        while self._kept:
            _, kept = self._kept.popitem()
            _end(*kept)


_starts = _Starts()


@contextlib.contextmanager
def starting_ahead(programs: int = 1) -> Iterator[None]:
    """Start two fork servers at once where one is needed, each on a CPU, and keep the other.

    They import their modules at the same time, so that every second round finds its server
    ready. The one that is kept sleeps: it has its own layout of addresses, and its own seed.

    Args:
        programs: those that a round needs a server of; without two CPUs for each, none is kept.
    """
    allowed, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    few = 0 <= allowed < FEW_PROCESSES  # a run may need them all
    _starts.in_pairs = len(os.sched_getaffinity(0)) >= 2 * programs and not few
    _starts.in_turn = programs > 1
    try:
        yield
    finally:
        _starts.in_pairs = _starts.in_turn = False
        _starts.end()


def start_ahead(program: Program) -> None:
    """Start a fork server that is kept, if those of several programs start in pairs.

    The caller chooses the order of the programs.
    """
    _starts.ahead(program)


class ForkServer:
    """The command's handle on a fork server."""

    _program = HERE

    def __init__(self, program: Program = HERE, *, wait: bool = True) -> None:
        """Start one, and wait until it is ready unless that is left to `meet`.

        Raises: ForkServerLost.
        """
        self._program = program
        try:
            here, self._process = _starts.next(program)
        except OSError as error:
            reason = refused("starting the fork server", error, MORE_PROCESSES)
            raise ForkServerLost(reason.reason, reason.remedy) from error
        self.pid = self._process.pid
        self._socket = here
        self._lines = here.makefile("rb")
        if wait:
            self.meet()

    def meet(self) -> None:
        """Wait until it is ready, and the one that is kept; end it if it is not.

        Raises: ForkServerLost.
        """
        try:
            self._meet()
            _starts.settle()
        except ForkServerLost:
            self.close()
            raise

    def _meet(self) -> None:
        ready = self._reply(START_TIME)
        if ready.failure is not None:
            raise ForkServerLost(ready.failure.what, ready.failure.remedy)
        if ready.protocol != PROTOCOL:
            raise ForkServerLost(
                f"the fork server uses version {ready.protocol} of the protocol, and the "
                f"command version {PROTOCOL}",
                "install ipcbench anew, and start it again",
            )
        # One of before this field says nothing.
        if self._program.package and ready.package not in ("", self._program.package):
            raise ForkServerLost(
                f"the fork server has the ipcbench {ready.version} in {ready.package}, and not "
                f"that in {self._program.package}",
                "start the command again",
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
        if reply.failure is not None and not reply.cell:  # it has not read the job
            raise ForkServerLost(reply.failure.what, reply.failure.remedy)
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
        _end(self._socket, self._process)


def _end(connection: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """End a fork server: it ends when its connection does."""
    connection.close()
    try:
        process.wait(timeout=CLOSE_TIME)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _start(program: Program) -> _Started:
    """Start a new one; return our end of the connection, and its process. Raises: OSError."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with there:
        try:
            return here, subprocess.Popen(
                [
                    program.executable,
                    "-m",
                    MODULE,
                    str(there.fileno()),
                    str(os.getpid()),
                ],
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                env=program.environment,
                start_new_session=True,  # Ctrl-C reaches the command alone
            )
        except BaseException:
            here.close()
            raise


# In the fork server


class _Workers:
    """The workers of a round, one after the other."""

    def __init__(self, runner: Any, log: int) -> None:
        self._runner, self._log = runner, log
        self._running: attempt.Attempt | None = None
        self._waiting: attempt.Attempt | None = None  # for its job
        self._last: Job | None = None

    def answer(self, job: Job, encoded: bytes) -> Reply:
        """Have a worker do the job."""
        self._last = job
        try:
            waiting = self._fit_for(job)
            if waiting is not None and waiting.start(job, encoded):
                self._running = waiting
                reply = waiting.reply()
                if not waiting.is_unheard:
                    return reply
            self._running = attempt.Attempt(self._runner, self._log)
            self._running.start(job, encoded)
            return self._running.reply()
        except (Unavailable, UnknownTransport) as reason:
            return Reply(failure=failure_of("the fork server", reason, "start"))

    def _fit_for(self, job: Job) -> attempt.Attempt | None:
        """Take the worker that waits, if it has all modules that the job needs."""
        modules = len(sys.modules)
        get(job.cell.transport)  # imported here once, not in every worker
        waiting, self._waiting = self._waiting, None
        if waiting is not None and len(sys.modules) != modules:
            waiting.end()
            return None
        return waiting

    def prepare(self) -> None:
        """Wait for the end of the last run's processes, and fork the next worker."""
        if self._running is not None:
            self._running.end()
        with contextlib.suppress(Unavailable):  # the next job tries it once more, and reports it
            self._waiting = attempt.Attempt(self._runner, self._log, self._last)

    def end(self) -> None:
        """End the worker that waits."""
        if self._waiting is not None:
            self._waiting.end()


def serve(connection: socket.socket, make_runner: Callable[[], Any]) -> None:
    """Answer jobs, one a line, until the command closes the connection."""
    workers = _Workers(make_runner(), attempt.open_log())
    gc.collect()
    gc.freeze()  # the objects of now are never collected: their pages stay shared with forks
    ready = Reply(protocol=PROTOCOL, version=VERSION, package=ipcbench.__path__[0])
    connection.sendall(_encoder.encode(ready) + b"\n")
    with connection.makefile("rb") as lines:
        for line in lines:
            try:
                job = decoded(line)
            except msgspec.DecodeError as error:
                connection.sendall(_encoder.encode(_not_read(error)) + b"\n")
                break
            reply = workers.answer(job, line)
            reply.name_after(job)
            connection.sendall(_encoder.encode(reply) + b"\n")
            workers.prepare()
    workers.end()


def _not_read(error: msgspec.DecodeError) -> Reply:
    """Answer a job of a command with other axes or settings, though of the same protocol."""
    what = f"the fork server, ipcbench {VERSION}, cannot read the job: {error}"
    return Reply(failure=ProcessFailure("the fork server", "", what, "leave such cells out"))


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
    flush()
    os._exit(0)  # the kernel takes the memory back at once; Python frees each object before that
