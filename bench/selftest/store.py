"""Store of selftests: the result of this machine, by its fingerprint.

It lies below $XDG_STATE_HOME (XDG base directory specification), `~/.local/state` by default. A
result of another machine has another name, or other times, and one of another version of ipcbench
or an old one says little about the gate of today: none of them is used, and a reader is told why.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ipcbench.bench.errors import BenchError
from ipcbench.bench.results.comparison.selftest import SelftestResult, read, write
from ipcbench.bench.results.entries.fingerprint import Fingerprint, differences
from ipcbench.bench.results.files import describe, make_folder
from ipcbench.bench.results.journal import Unreadable
from ipcbench.bench.version import VERSION

VARIABLE = "XDG_STATE_HOME"
OLDEST = timedelta(days=90)
COMMAND = "ipcbench selftest"


class StoreError(BenchError):
    """A result cannot be kept."""


@dataclass(frozen=True, slots=True)
class Found:
    """The selftest of a machine; None, and the reason why there is none."""

    result: SelftestResult | None
    why: str = ""


def place(fingerprint: Fingerprint) -> Path | None:
    """Return the file for the results of a machine; None where there is no home folder."""
    given = os.environ.get(VARIABLE, "")
    try:
        home = Path(given) if given.startswith("/") else Path.home() / ".local/state"
    except RuntimeError:  # no HOME, and no entry in passwd(5)
        return None
    return home / "ipcbench/selftest" / f"{fingerprint.key}.json"


def newest(fingerprint: Fingerprint | None, today: datetime | None = None) -> Found:
    """Return the selftest of the machine with this fingerprint, or say why there is none."""
    path = None if fingerprint is None else place(fingerprint)
    none = Found(None, f"this machine has no selftest: {COMMAND}")
    if path is None or fingerprint is None or not os.path.lexists(path):
        return none
    try:
        result = read(path)
    except (Unreadable, OSError) as error:
        text = describe(error) if isinstance(error, OSError) else str(error)
        return Found(None, f"the selftest of this machine cannot be read: {text}: {COMMAND}")
    why = _why_not(result, fingerprint, today or datetime.now().astimezone())
    return Found(None, f"{why}: {COMMAND}") if why else Found(result)


def _why_not(result: SelftestResult, fingerprint: Fingerprint, today: datetime) -> str:
    if changed := differences(result.fingerprint, fingerprint):
        return f"the selftest here is not of this machine ({changed[0]})"
    if result.version != VERSION:
        return f"the selftest of this machine is of ipcbench {result.version}, this is {VERSION}"
    try:
        ended = datetime.fromisoformat(result.ended)
        age = today - (ended if ended.tzinfo else ended.astimezone())
    except (ValueError, OverflowError):
        return "the selftest of this machine has no date"
    if age > OLDEST:
        return f"the selftest of this machine is {age.days} days old"
    return ""


def keep(result: SelftestResult) -> str:
    """Keep a result for later comparisons; return "", or why another one stays there.

    A result with more cells of the same machine is worth more. Raises: StoreError.
    """
    path = place(result.fingerprint)
    if path is None:
        raise StoreError("there is no home folder to keep the result in", f"set {VARIABLE}")
    before = newest(result.fingerprint).result
    if before is not None and len(before.outcomes) > len(result.outcomes):
        return (
            f"a larger selftest of this machine stays in use, of {before.ended[:10]}: "
            f"remove {path} to use this one"
        )
    try:
        make_folder(path.parent)
        write(result, path)
    except OSError as error:
        raise StoreError(f"the result cannot be kept: {describe(error)}") from error
    return ""
