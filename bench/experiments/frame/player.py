"""Player: the process in which one experiment is played, in a session of its own.

The command starts it, and notes its session in the ledger, before it lets it play: when the
command is killed, the cleanup process finds all its processes. It is killed with the command.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable

import msgspec

from ipcbench.bench.experiments.lacks import lack_of
from ipcbench.bench.machine.standard_streams import open_standard_streams
from ipcbench.bench.results.entries.bounds import LONGEST_TEXT
from ipcbench.bench.results.records import Observation
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.workers.control import failure_of
from ipcbench.bench.workers.oom import be_first_victim
from ipcbench.bench.workers.process import adopt_orphans, die_with

START = b"play\n"


def play(name: str, experiment: Callable[[], Observation]) -> Observation:
    """Play an experiment in this process; an error is noted in the observation."""
    try:
        return experiment()
    except Exception as error:
        lack = lack_of(error)
        failure = failure_of("", lack or error)
        what = one_line(failure.what, LONGEST_TEXT)
        return Observation(
            experiment=name,
            skipped="" if lack is None else what,
            failed=what if lack is None else "",
            remedy=one_line(failure.remedy, LONGEST_TEXT),
        )


def main() -> None:
    """Play an experiment.

    The arguments are its name, its source, the descriptor for the result, and the parent's pid.
    """
    open_standard_streams()
    name, source, result, parent = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    os.set_inheritable(result, False)
    die_with(parent)
    adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    be_first_victim()
    module, _, function = source.partition(":")
    experiment = getattr(importlib.import_module(module), function)
    if sys.stdin.buffer.readline() != START:  # the command has ended
        return
    data = memoryview(msgspec.json.encode(play(name, experiment)))
    while data:
        data = data[os.write(result, data) :]


if __name__ == "__main__":
    main()
