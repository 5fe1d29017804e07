"""Experiment `largest-segment`: the largest System V segment that is really had.

kernel.shmmax bounds a segment, kernel.shmall the pages of all segments: proc_sys_kernel(5). The
size is found by bisection. Each segment exists for microseconds, and two of its pages are used; so
no memory is used up, but while a segment of all pages of kernel.shmall exists, another program
cannot create one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.memory.sparse_segments import SPARSE, Refused, have_segment
from ipcbench.bench.results.records import Observation
from ipcbench.transports.base import sysctl
from ipcbench.transports.base.memory import meminfo
from ipcbench.transports.base.proc import in_use
from ipcbench.transports.contract import Unavailable

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIB = 1 << 20
_MOST = 1 << 57  # bytes: more than an address space of today's processors, in pages
_STRICT = 2  # vm.overcommit_memory: all memory that is promised has to be there, proc_sys_vm(5)
_NUMBER = 1e17  # of a journal, at most

Have = Callable[[int, int], None]
"""A function as `have_segment`."""

WAYS = {"with memory for all pages": 0, "sparse": SPARSE}
BOUNDS = {
    ("shmget(2)", errno.EINVAL): "kernel.shmmax",
    ("shmget(2)", errno.ENOSPC): "kernel.shmall",
    ("shmget(2)", errno.ENOMEM): "memory, as vm.overcommit_memory counts it",
    ("shmat(2)", errno.ENOMEM): "the address space",
}


def play(have: Have = have_segment) -> Observation:
    """Find the largest segment with memory for all its pages, and the largest sparse one."""
    seen = Observation(experiment=EXPERIMENT.name)
    figures = seen.figures
    try:
        in_all = sysctl("kernel.shmall") * _PAGE
        figures["kernel.shmmax, MiB"] = _mib(sysctl("kernel.shmmax"))
    except OSError as error:
        raise Unavailable("this kernel has no System V shared memory: no kernel.shmmax") from error
    figures["kernel.shmall, MiB"] = _mib(in_all)
    figures["in use, MiB"] = _mib(sum(in_use("shm", "size")))
    figures["memory, MiB"] = _mib(meminfo().get("MemTotal", 0))
    for way, flags in WAYS.items():
        pages, bound = largest(have, flags)
        figures[f"largest {way}, MiB"] = _mib(pages * _PAGE)
        seen.texts[f"bound {way}"] = bound
        seen.rows.append({"segment": way, "largest, MiB": _mib(pages * _PAGE), "bound": bound})
    return seen


def largest(have: Have, flags: int) -> tuple[int, str]:
    """Find the most pages of a segment, by bisection, and the bound that it meets.

    Raises: Unavailable, Refused (for another reason than a bound).
    """
    most, bound = _unharmful()
    fits, fails = 0, most + 1
    while fails - fits > 1:
        pages = (fits + fails) // 2
        try:
            have(pages * _PAGE, flags)
            fits = pages
        except Refused as error:
            found = BOUNDS.get((error.call, error.errno or 0))
            if found is None:
                raise
            fails, bound = pages, found
    return fits, bound


def _unharmful() -> tuple[int, str]:
    """Return the most pages to ask for, and the reason.

    Where all promised memory has to be there, a segment takes it from other programs: half of
    what is left is asked for, at most.
    """
    if sysctl("vm.overcommit_memory") != _STRICT:
        return _MOST // _PAGE, "not reached"
    found = meminfo()
    left = max(0, found["CommitLimit"] - found["Committed_AS"])
    return left // 2 // _PAGE, "not reached: half of CommitLimit less Committed_AS, proc_meminfo(5)"


def _mib(size: int) -> float:
    return round(min(size / _MIB, _NUMBER), 3)


EXPERIMENT = Experiment(
    name="largest-segment",
    question="How large may a System V segment be on this machine?",
    statements=("shm-limit",),
    limit=30.0,
    usual=0.25,
    play=play,
)
