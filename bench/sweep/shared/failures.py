"""Failed runs: how they are written and shown, and when a cell is given up."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.fork_parent import WATCHDOG
from ipcbench.transports.base.os_errors import with_remedy

GIVE_UP = 2  # failed rounds in a row after which a cell is no longer run
LONGEST_WHAT = 10_000  # characters of an error's description


def fields_of(cell: str, number: int, failure: ProcessFailure, at: float) -> dict[str, Any]:
    """Return the fields of the entry for a failed run of a round; round 0: its calibration."""
    return {
        "cell": cell,
        "round": number,
        "who": failure.who,
        "where": failure.where,
        "what": failure.what[:LONGEST_WHAT],
        "remedy": failure.remedy[:LONGEST_WHAT],
        "at": at,
    }


class Failures:
    """The failed rounds of each cell.

    Args:
        in_a_row: cell -> failed rounds since its last run.
        loops: cell -> its loops; a cell without is no longer run.
        note: shows a line.
    """

    def __init__(
        self,
        in_a_row: MutableMapping[str, int],
        loops: MutableMapping[str, int],
        note: Callable[[str], None],
    ) -> None:
        self._in_a_row, self._loops, self._note = in_a_row, loops, note

    def add(self, cell: str, attempt: int, failure: ProcessFailure, whose: str = "") -> bool:
        """Show a failed run; return whether to retry it within its round.

        One retry fills the gap of a process that was killed from outside. A hang is not
        retried, since it takes its whole deadline.
        """
        what = " ".join(with_remedy(failure.what, failure.remedy).split())
        self._note(f"failed: {cell}{whose}: {failure.who}, {failure.where}: {what}")
        if attempt == 1 and failure.who != WATCHDOG:
            return True
        count = self._in_a_row[cell] = self._in_a_row.get(cell, 0) + 1
        if count >= GIVE_UP:
            self._loops.pop(cell, None)
            self._note(f"no longer run after {count} failed rounds in a row: {cell}")
        return False

    def forget(self, cell: str) -> None:
        """Begin to count anew: a run has succeeded."""
        self._in_a_row.pop(cell, None)
