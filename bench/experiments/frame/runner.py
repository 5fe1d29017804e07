"""Runner: has an experiment played by a process of its own, and kills what is left of it."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable

import msgspec

from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.frame.player import START
from ipcbench.bench.machine.guardian import end_session, members
from ipcbench.bench.results.entries.bounds import LONGEST_TEXT
from ipcbench.bench.results.entries.checks import check_observation
from ipcbench.bench.results.journal import Unreadable
from ipcbench.bench.results.records import Observation
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.workers.attempt import describe_processes, last_line, open_log
from ipcbench.bench.workers.control import LARGEST, ProcessFailure
from ipcbench.bench.workers.oom import OomWatch
from ipcbench.bench.workers.process import how_it_ended
from ipcbench.transports.base import refused
from ipcbench.transports.base.os_errors import MORE_PROCESSES
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.kernel_objects.ledger import current, remove_standing

MODULE = "ipcbench.bench.experiments.frame.player"
LEAKS = 3  # objects that are named


def play(experiment: Experiment, watch: Callable[[int], None] = lambda pid: None) -> Observation:
    """Have an experiment played, within its limit; return what was observed.

    No process and no kernel object of it is left. One that left objects of its own accord has
    failed. `watch` is called with the pid of the player, the leader of its session, before it
    begins.
    """
    began = time.monotonic()
    left: list[str] = []
    try:
        with _Player(experiment, watch) as player:
            seen = player.result(began + experiment.limit)
    except Unavailable as error:
        seen = Observation(
            experiment=experiment.name,
            skipped=one_line(error.reason, LONGEST_TEXT),
            remedy=one_line(error.remedy, LONGEST_TEXT),
        )
    finally:
        left = remove_standing(current())
    if left and not seen.failed:
        noun = "kernel object" if len(left) == 1 else "kernel objects"
        seen = failed(experiment, f"it left {len(left)} {noun}: {', '.join(left[:LEAKS])}")
    seen.seconds = time.monotonic() - began
    return seen


def failed(experiment: Experiment, what: str, remedy: str = "") -> Observation:
    """Return the observation of an experiment that has no result."""
    return Observation(
        experiment=experiment.name,
        failed=one_line(what, LONGEST_TEXT),
        remedy=one_line(remedy, LONGEST_TEXT),
    )


class _Player:
    """The player's process: a context, which ends its session when it is left."""

    def __init__(self, experiment: Experiment, watch: Callable[[int], None]) -> None:
        self._experiment = experiment
        self._watch = watch

    def __enter__(self) -> _Player:
        """Start it. Raises: Unavailable."""
        with contextlib.ExitStack() as undo:
            try:
                self._log = open_log()
                undo.callback(os.close, self._log)
                self._pipe, theirs = os.pipe2(os.O_CLOEXEC)
                undo.callback(os.close, self._pipe)
                with contextlib.closing(os.fdopen(theirs, "wb", buffering=0)):
                    self._process = self._start(theirs)
                undo.callback(self._end)
                self._ended = os.pidfd_open(self._process.pid)
                undo.callback(os.close, self._ended)
            except OSError as error:
                raise refused("starting an experiment", error, MORE_PROCESSES) from error
            self._oom = OomWatch()
            self._watch(self._process.pid)
            os.set_blocking(self._pipe, False)
            with contextlib.suppress(BrokenPipeError):  # it has ended: `result` says how
                assert self._process.stdin is not None
                self._process.stdin.write(START)
            self._undo = undo.pop_all()
            return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _start(self, result: int) -> subprocess.Popen[bytes]:
        one = self._experiment
        return subprocess.Popen(
            [sys.executable, "-m", MODULE, one.name, one.source, str(result), str(os.getpid())],
            pass_fds=[result],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            bufsize=0,
            start_new_session=True,  # Ctrl-C reaches the command alone
        )

    def _end(self) -> None:
        # Its pid is not reused before it is waited for, so its session is no other one.
        end_session(self._process.pid)
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def result(self, deadline: float) -> Observation:
        """Wait for the result. A player that does not end in time has failed."""
        poller = select.poll()
        poller.register(self._pipe, select.POLLIN)
        poller.register(self._ended, select.POLLIN)
        data = bytearray()
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                states = describe_processes(members(self._process.pid), self._process.pid)
                limit = self._experiment.limit
                return failed(self._experiment, f"no end after {limit:g} s: {states}")
            ready = {fd for fd, _ in poller.poll(left * 1000)}
            if ready and not self._drain(data) and self._pipe in ready:
                poller.unregister(self._pipe)
            if len(data) > LARGEST:
                return failed(self._experiment, f"it wrote over {LARGEST >> 20} MiB of results")
            if self._ended in ready:
                return self._read(bytes(data))

    def _drain(self, data: bytearray) -> bool:
        """Read what is there; return False at the end of the file."""
        with contextlib.suppress(BlockingIOError):
            while len(data) <= LARGEST:
                part = os.read(self._pipe, 1 << 16)
                if not part:
                    return False
                data += part
        return True

    def _read(self, data: bytes) -> Observation:
        if not data:
            how = ProcessFailure("", "", f"its process {self._how()}{last_line(self._log)}")
            found = self._oom.explain(how)
            return failed(self._experiment, found.what, found.remedy)
        try:
            seen: Observation = msgspec.json.decode(data, type=Observation)
            check_observation(seen, [self._experiment.name])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Unreadable) as error:
            return failed(self._experiment, f"its result cannot be used: {error}")
        return seen

    def _how(self) -> str:
        found = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        assert found is not None
        killed = found.si_code in (os.CLD_KILLED, os.CLD_DUMPED)
        return how_it_ended(found.si_status if killed else found.si_status << 8)
