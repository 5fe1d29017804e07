"""Ledgers that are left alone: their owner, or an object of theirs, is out of reach here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from shlex import quote

from ipcbench.transports.kernel_objects.ledger import (
    Ledger,
    Owner,
    abandoned,
    ledgers,
    standing,
    standing_elsewhere,
)
from ipcbench.transports.kernel_objects.origin import Origin


@dataclass(frozen=True, slots=True)
class Left:
    """A ledger that stays, the reason, and what removes its objects where they belong."""

    ledger: str
    reason: str
    remedy: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def left_alone() -> list[Left]:
    """List the ledgers that a clean-up leaves, other than those of running processes here.

    Raises:
        Unavailable: no process can be seen.
    """
    unremoved = [_unremoved(ledger) for ledger in abandoned()]
    unknown = [_unknown(ledger) for ledger in ledgers() if ledger.owner() is Owner.UNKNOWN]
    return unknown + unremoved


def _unknown(ledger: Ledger) -> Left:
    first = next(ledger.entries(), {})
    here, origin = Origin.here(), Origin.of(first)
    if here is None or origin is None:
        reason = "it does not say on which host and in which PID namespace its process runs"
        return Left(str(ledger.path), reason, _when_over(ledger, "that process has ended"))
    process = f"process {first.get('owner')}"
    if origin.same_pids(here):
        reason = f"/proc does not show {process}, which exists (hidepid, proc(5))"
        return Left(str(ledger.path), reason, "run ipcbench clean again when it has ended")
    if origin.boot != here.boot:
        reason = f"{process} belongs to another boot, on host {origin.host}"
        there, over = f"on host {origin.host}", "that host has been restarted since"
    else:
        reason = f"{process} belongs to another PID namespace ({_named(origin)})"
        there, over = "there", "no process of it is left"
    return Left(
        str(ledger.path), reason, f"run ipcbench clean {there}; or {_when_over(ledger, over)}"
    )


def _named(origin: Origin) -> str:
    return f"pid:[{origin.pids}] of host {origin.host}: a container, or lsns -t pid"


def _when_over(ledger: Ledger, over: str) -> str:
    return f"if {over}: rm {quote(str(ledger.path))}, then ipcbench clean --orphans"


def _unremoved(ledger: Ledger) -> Left:
    """Describe a ledger of a dead process, some objects of which could not be removed."""
    elsewhere = standing_elsewhere(ledger)
    if not elsewhere:
        names = ", ".join(f"{kind} {name}" for kind, name in standing(ledger))
        return Left(
            str(ledger.path),
            f"not removed: {names or 'the ledger itself'}",
            "remove what refuses, or install posix_ipc and sysv_ipc; then ipcbench clean",
        )
    names = ", ".join(f"{kind} {name}" for kind, name in elsewhere)
    return Left(
        str(ledger.path),
        f"{names}: in another IPC namespace, or on another file system",
        f"run ipcbench clean there; or {_when_over(ledger, 'that is gone')}",
    )
