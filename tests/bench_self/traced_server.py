"""A fork server whose processes write down when they enter and leave their steps.

It is the real one, with a clock around some functions: a mark costs 3 microseconds. The
marks go to the file that `MARKS` names, one a line: pid, step, "<" or ">", nanoseconds.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from typing import Any

from ipcbench.bench.workers import (
    account,
    attempt,
    block_runner,
    fork_parent,
    pyperf_runner,
    worker,
)
from ipcbench.transports import registry

MARKS = "IPCBENCH_SELF_MARKS"

# Owner of a function, its name, and the step that it belongs to.
STEPS: tuple[tuple[Any, str, str], ...] = (
    (attempt.Attempt, "__init__", "server: fork"),
    (attempt.Attempt, "end", "server: ends"),
    (attempt.Attempt, "reply", "server: reply"),
    (worker, "work", "set-up"),
    (worker.Team, "fork", "fork of the peers"),
    (worker.Worker, "_runner_at", "attach"),
    (worker.Team, "connect", "hello, connect"),
    (block_runner.BlockRunner, "connect", "hello, connect"),
    (worker.Team, "ready", "hello, connect"),
    (worker.Worker, "_check", "check"),
    (worker.Worker, "_new_account", "account"),
    (account.Account, "begin", "account"),
    (account.Account, "enter", "account"),
    (account.Account, "leave", "account"),
    (account.Account, "end", "account"),
    (pyperf_runner, "measure", "pyperf"),
    (worker.Worker, "_block", "blocks"),
    (worker.Worker, "_tail", "blocks"),
    (worker.Team, "stop", "stop"),
    (worker.Worker, "_outcome", "outcome"),
)
OF_TRANSPORTS = (("create", "create"), ("attach", "attach"))


@functools.cache
def _marks() -> int:
    return os.open(os.environ[MARKS], os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)


def mark(step: str, way: str) -> None:
    """Write a mark, in one write: all processes share the file."""
    line = f"{os.getpid()}\t{step}\t{way}\t{time.monotonic_ns()}\n"
    os.write(_marks(), line.encode())


def traced(function: Callable[..., Any], step: str) -> Callable[..., Any]:
    """Return the function with a mark before it, and one behind it."""

    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        mark(step, "<")
        try:
            return function(*arguments, **named)
        finally:
            mark(step, ">")

    return run


def trace() -> None:
    """Put the marks into the steps of a run."""
    for owner, name, step in STEPS:
        setattr(owner, name, traced(getattr(owner, name), step))
    seen: set[type] = set()

    def get(name: str) -> Any:
        found = registry.get(name)
        kind = type(found)
        if kind not in seen:
            seen.add(kind)
            for method, step in OF_TRANSPORTS:
                if hasattr(kind, method):
                    setattr(kind, method, traced(getattr(kind, method), step))
        return found

    vars(fork_parent)["get"] = get


if __name__ == "__main__":
    trace()
    fork_parent.main()
