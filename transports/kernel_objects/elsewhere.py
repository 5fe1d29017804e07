"""Ledgers that are left alone: their owner, or an object of theirs, is out of reach here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
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

_WHERE = "on which host and in which PID namespace"
_NO_ORIGIN = f"it does not say {_WHERE} its process runs"
_BOOT = '"boot"'  # in a ledger's text, where it has an origin: see `Origin`


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


def together(left: Sequence[Left]) -> list[Left]:
    """Describe the ledgers that older versions wrote as one: a folder may have hundreds.

    Args:
        left: what `left_alone` returned, or a part of it.
    """
    old = [each for each in left if each.reason == _NO_ORIGIN and _is_old(Path(each.ledger))]
    if len(old) < 2:
        return list(left)
    folder = Path(old[0].ledger).parent
    reason = f"they do not say {_WHERE} their processes run, as older versions wrote them"
    # What `_is_old` tests.
    remove = (
        f"find {quote(str(folder))} -name '*.ledger' ! -exec grep -q '{_BOOT}' {{}} \\; -delete"
    )
    remedy = f"if those processes have ended: {remove}, then ipcbench clean --orphans"
    others = [each for each in left if each not in old]
    return [Left(f"{len(old)} ledgers in {folder}", reason, remedy), *others]


def _is_old(path: Path) -> bool:
    try:
        return _BOOT.encode() not in path.read_bytes()
    except OSError:  # removed meanwhile
        return False


def _unknown(ledger: Ledger) -> Left:
    first = next(ledger.entries(), {})
    here, origin = Origin.here(), Origin.of(first)
    if here is None or origin is None:
        over = _when_over(ledger, "that process has ended")
        return Left(str(ledger.path), _NO_ORIGIN, over)
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
