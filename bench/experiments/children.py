"""Children of an experiment: forked together, and waited for up to a deadline."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ipcbench.bench.errors import BenchError
from ipcbench.bench.experiments.lacks import lack_of
from ipcbench.bench.workers.process import die_with, fork, how_it_ended
from ipcbench.transports.base import close_all, refused
from ipcbench.transports.contract import Unavailable

Body: TypeAlias = Callable[[], Any]


class ChildFailed(BenchError):
    """A child ended without a result."""


class Stuck(BenchError):
    """Children had not ended when their time was over, and were killed.

    `numbers`: those children, by their place in the list.
    """

    def __init__(self, numbers: Sequence[int], seconds: float) -> None:
        which = ", ".join(map(str, numbers))
        super().__init__(f"no end after {seconds:g} s: child {which}")
        self.numbers = tuple(numbers)


class Child:
    """A forked process that calls a function; its result comes back as JSON through a pipe.

    A context: leaving it kills the process, and waits for it.
    """

    def __init__(self, body: Body) -> None:
        """Fork it. Raises: Unavailable."""
        parent = os.getpid()
        try:
            self._pipe, theirs = os.pipe2(os.O_CLOEXEC)
        except OSError as error:
            raise refused("pipe(2)", error) from error
        try:
            self.pid = fork(lambda: _answer(body, parent, theirs))
        except BaseException:
            close_all([self._pipe])
            raise
        finally:
            os.close(theirs)
        self._status: int | None = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    def kill(self) -> None:
        """Kill it with SIGKILL, and wait for it. Twice is harmless."""
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            _, self._status = os.waitpid(self.pid, 0)

    def ends(self, deadline: float) -> bool:
        """Wait for its end up to a time of time.monotonic(); return False if it goes on."""
        if self._status is not None:
            return True
        watched = os.pidfd_open(self.pid)
        try:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([watched], [], [], left)[0]:
                return False
        finally:
            os.close(watched)
        _, self._status = os.waitpid(self.pid, 0)
        return True

    def result(self) -> Any:
        """Return the result of one that has ended. Raises: ChildFailed, Unavailable."""
        if self._status is None:
            raise ChildFailed("the child has not ended")
        data = b""
        with contextlib.suppress(BlockingIOError):  # a process below it holds the pipe open
            os.set_blocking(self._pipe, False)
            while part := os.read(self._pipe, 1 << 16):
                data += part
        if self._status or not data:
            raise ChildFailed(f"a child of the experiment {how_it_ended(self._status)}")
        answer = json.loads(data)
        if "missing" in answer:
            raise Unavailable(*answer["missing"])
        if "failed" in answer:
            raise ChildFailed(f"a child of the experiment: {answer['failed']}")
        return answer["result"]


def _answer(body: Body, parent: int, pipe: int) -> int:
    die_with(parent)
    answer: dict[str, Any]
    try:
        answer = {"result": body()}
    except Exception as error:
        lack = lack_of(error)
        if lack is None:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        else:
            answer = {"missing": (lack.reason, lack.remedy)}
    data = memoryview(json.dumps(answer).encode())
    while data:
        data = data[os.write(pipe, data) :]
    return 0


def together(bodies: Sequence[Body], seconds: float) -> list[Any]:
    """Call functions at the same time, in a child each; return their results.

    A result of more than a pipe's capacity would wait for its reader: keep it small.

    Raises: Stuck, ChildFailed, Unavailable. The first failure of a child comes before Stuck.
    """
    deadline = time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(Child(body)) for body in bodies]
        late = [number for number, child in enumerate(children) if not child.ends(deadline)]
        # Before Stuck: one that has failed is why others wait.
        results = [child.result() for number, child in enumerate(children) if number not in late]
        if late:
            raise Stuck(late, seconds)
        return results
