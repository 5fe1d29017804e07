"""Experiments of the tests: they end badly, or not at all. Their players import them by name."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable

from ipcbench.bench.experiments.children import Child
from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.results.records import Observation
from ipcbench.transports.contract import Spec, Transport, Unavailable
from ipcbench.transports.registry import get


def experiment(play: Callable[[], Observation], limit: float = 20.0) -> Experiment:
    return Experiment(play.__name__, "A question?", (), limit, 0.1, play)


def succeeds() -> Observation:
    return Observation(experiment="succeeds", figures={"answer": 42}, texts={"kind": "a text"})


def prints() -> Observation:
    print("to standard output")
    print("to standard error", file=sys.stderr)
    return Observation(experiment="prints")


def raises() -> Observation:
    raise ValueError("this goes\nwrong \x1b[31m")


def is_missing() -> Observation:
    raise Unavailable("the machine lacks it", "install it")


def lacks_descriptors() -> Observation:
    with Child(_open_files) as child:
        assert child.ends(time.monotonic() + 10)
        child.result()
    raise AssertionError("a child without descriptors has failed")


def _open_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
    for _ in range(20):
        os.dup(0)


def says_another_name() -> Observation:
    return Observation(experiment="another")


def says_nothing() -> Observation:
    os._exit(0)


def exits() -> Observation:
    print("the last words", file=sys.stderr, flush=True)
    os._exit(3)


def kills_itself() -> Observation:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it was killed")


def cannot_be_encoded() -> Observation:
    return Observation(experiment="cannot_be_encoded", texts={"a": "\udcff"})


def is_not_a_number() -> Observation:
    return Observation(experiment="is_not_a_number", figures={"a": float("inf")})


def writes_much() -> Observation:
    return Observation(experiment="writes_much", texts={str(i): "x" * 2000 for i in range(1001)})


def _sleep_with_children() -> None:
    """Sleep for ever, with a child in the same session that has no living parent, too."""
    if os.fork() == 0:
        os.setpgid(0, 0)
        time.sleep(1000)
    time.sleep(1000)


def never_ends() -> Observation:
    with Child(_sleep_with_children):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _queue()
        while True:
            time.sleep(1000)


def leaves_processes() -> Observation:
    Child(_sleep_with_children)
    return Observation(experiment="leaves_processes")


def _queue() -> None:
    transport = get("sysv-queue")
    assert isinstance(transport, Transport)
    transport.create(Spec(64))


def leaves_a_queue() -> Observation:
    _queue()
    return Observation(experiment="leaves_a_queue")
