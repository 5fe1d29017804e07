"""Facts beside speed: properties of a facility that no time shows.

They are those of the facility as its manual pages describe it, on every machine; only the largest
message of queues is a setting, which a run records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ipcbench.bench.results.untrusted import one_line
from ipcbench.reports.names import IN_PLACE

LONGEST = 20  # characters of a setting


@dataclass(frozen=True, slots=True)
class Beside:
    """Properties of a facility.

    Attributes:
        dies: the effect on a waiting peer of the death of the other process.
        kept: the messages that are on the way when all processes have ended.
        polls: poll(2) can wait for it, beside other descriptors.
        unrelated: the way by which a process that is no child gets access.
        largest: the largest message.
        senders: the requirement for several senders.
    """

    dies: str
    kept: str
    polls: bool
    unrelated: str
    largest: str
    senders: str

    @property
    def phrases(self) -> list[tuple[str, str]]:
        """The properties with their names, in a fixed order."""
        return [
            ("a peer crashes", self.dies),
            ("messages on the way", self.kept),
            ("a descriptor to poll", "yes" if self.polls else "no"),
            ("unrelated processes", self.unrelated),
            ("largest message", self.largest),
            ("several senders", self.senders),
        ]


_ENDS = "its peer sees it at once"  # end of file, EPIPE or ECONNRESET: read(2), write(2)
_SILENT = "its peer waits on: use a time-out"
_GONE, _KEPT = "lost", "kept until the object is removed"
_NAME, _HANDED, _CHILD = "by its name", "by passing a descriptor", "no: children alone"
_ANY, _OWN, _EACH = "any", "any number", "a connection each"

# pipe(7): end of file and SIGPIPE, PIPE_BUF; fifo(7): the name.
_PIPE = Beside(_ENDS, _GONE, True, _HANDED, _ANY, "any number, to 4 KiB; above it a lock")
# unix(7): a name in the file system, SCM_RIGHTS, datagrams up to the send buffer: socket(7).
_UNIX = Beside(_ENDS, _GONE, True, _NAME, _ANY, _EACH)
_DATAGRAM = Beside(_SILENT, _GONE, True, _NAME, "the send buffer, 208 KiB by default", _OWN)
# tcp(7), ip(7).
_TCP = Beside(_ENDS, _GONE, True, "by its port", _ANY, _EACH)
# sysvipc(7), msgget(2), msgop(2); mq_overview(7): on Linux, a queue is a descriptor.
_SYSV = Beside(_SILENT, _KEPT, False, _NAME, "8 KiB by default (kernel.msgmax)", _OWN)
_MQUEUE = replace(_SYSV, polls=True, largest="8 KiB by default (fs.mqueue.msgsize_max)")
# shm_overview(7), shmget(2), memfd_create(2), eventfd(2), futex(2): memory knows no peers.
_MEMORY = Beside(_SILENT, _KEPT, False, _NAME, "a slot, set when it is made", "a ring each")
# docs.python.org/3/library/multiprocessing.html, "Pipes and Queues" and "Programming guidelines".
_MP_PIPE = Beside(_ENDS, _GONE, True, _CHILD, _ANY, "a lock")
_MP_QUEUE = Beside(_SILENT, _GONE, True, _CHILD, "any that can be pickled", "any number, it locks")
# memfd_create(2), unix(7); process_vm_readv(2): the rights of ptrace(2); vmsplice(2).
_PASSED = Beside(_ENDS, _GONE, True, _HANDED, _ANY, "one")
# zeromq.org and nng.nanomsg.org: threads of the library reconnect by themselves.
_LIBRARY = Beside(_SILENT, _GONE, True, _NAME, _ANY, "any number, it connects them")
# sem_overview(7), semop(2): a semaphore has no owner; signal(7), kill(2): by the process's number.
_SEMAPHORE = Beside(_SILENT, _KEPT, False, _NAME, "no data", _OWN)
_WORD = replace(_SEMAPHORE, kept=_GONE, unrelated=_HANDED)  # in shared memory, or a descriptor
_NEWEST = Beside(_SILENT, _GONE, False, _HANDED, "set when it is made", "one")

_OF: Mapping[str, Beside] = {
    "pipe": _PIPE,
    "fifo": replace(_PIPE, unrelated=_NAME),
    "unix-stream": _UNIX,
    "unix-seqpacket": replace(_UNIX, largest=_DATAGRAM.largest),
    "unix-dgram": _DATAGRAM,
    "socketpair": replace(_UNIX, unrelated=_HANDED),
    "socketpair:dgram": replace(_DATAGRAM, unrelated=_HANDED),
    "socketpair:seqpacket": replace(_UNIX, unrelated=_HANDED, largest=_DATAGRAM.largest),
    "tcp": _TCP,
    "tcp6": _TCP,
    "sysv-queue": _SYSV,
    "posix-queue": _MQUEUE,
    "mp-pipe": _MP_PIPE,
    "mp-pipe-pickle": replace(_MP_PIPE, largest=_MP_QUEUE.largest),
    "mp-pipe-pickle5": replace(_MP_PIPE, largest=_MP_QUEUE.largest),
    "mp-simple-queue": _MP_QUEUE,
    "mp-queue": _MP_QUEUE,
    "memfd-passed": _PASSED,
    "memfd-pool": _PASSED,
    "process-vm": replace(_PASSED, unrelated="with the rights of ptrace(2)"),
    "vmsplice": _PASSED,
    "latest:seqlock": _NEWEST,
    "latest:buffers": _NEWEST,
    "latest:pipe": replace(_NEWEST, dies=_ENDS, largest=_ANY),
    "latest:unix-stream": replace(_NEWEST, dies=_ENDS, largest=_ANY),
    "latest:unix-dgram": replace(_NEWEST, largest=_DATAGRAM.largest),
    "latest:queue": replace(_NEWEST, kept=_KEPT, unrelated=_NAME, largest=_MQUEUE.largest),
    "posix-sem": _SEMAPHORE,
    "sysv-sem": _SEMAPHORE,
    "eventfd": replace(_WORD, polls=True),
    "futex": _WORD,
    "pthread-cond": _WORD,
    "signal": replace(_SEMAPHORE, kept=_GONE, unrelated="by its process number"),
    "zmq:ipc": _LIBRARY,
    "nng:ipc": replace(_LIBRARY, polls=False),
}
_SETTINGS = ("kernel.msgmax", "fs.mqueue.msgsize_max")


def beside(transport: str, settings: Mapping[str, str]) -> Beside | None:
    """Return the facts of a facility; None for one that is not known, such as a plug-in's.

    Args:
        transport: the name of the transport, not an alias.
        settings: those of the machine, as the run recorded them.
    """
    base = transport.removesuffix(IN_PLACE)
    found = _OF.get(base) or _memory(base) or _OF.get(base.partition(":")[0])
    if found is None:
        return None
    for name in _SETTINGS:
        if name in found.largest and name in settings:
            return replace(found, largest=f"{one_line(settings[name], LONGEST)} B ({name})")
    return found


def _memory(base: str) -> Beside | None:
    """Return the facts of shared memory, by its segment and its waiter."""
    if not base.startswith("shm:"):
        return None
    segment, _, waiter = base.removeprefix("shm:").partition("+")
    handed = segment == "memfd" or waiter.startswith("eventfd")
    polls = waiter.startswith("eventfd")
    kept = _GONE if segment == "memfd" else _KEPT
    return replace(_MEMORY, polls=polls, kept=kept, unrelated=_HANDED if handed else _NAME)
