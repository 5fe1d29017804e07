"""Leftovers of killed sweeps, and the folder of ledgers by which they are found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ipcbench.bench.results.files import describe
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.sweep.fitness.finding import Finding, ok, warning
from ipcbench.transports.base.proc import no_proc
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.kernel_objects.elsewhere import Left, left_alone, together
from ipcbench.transports.kernel_objects.home import REMEDY, UnfitFolder, home
from ipcbench.transports.kernel_objects.ledger import abandoned
from ipcbench.transports.kernel_objects.orphans import candidates

_FOLDER = "runtime folder"
MOST_LEFT = 3  # ledgers that are left alone and named


def leftovers() -> Iterator[Finding]:
    """Examine the folder of ledgers; find what killed sweeps have left."""
    try:
        yield ok(_FOLDER, str(home()))
        yield from _left()
    except Unavailable as error:
        yield Finding(Severity.PROBLEM, _FOLDER, error.reason, error.remedy)
    except UnfitFolder as error:
        yield Finding(Severity.PROBLEM, _FOLDER, error.what, error.remedy)
    except OSError as error:
        help_ = REMEDY if error.errno is not None else ""  # a text of ours says what to do
        yield Finding(Severity.PROBLEM, _FOLDER, describe(error), help_)


def _left() -> Iterator[Finding]:
    if no_proc() is not None:  # a finding of its own
        return
    dead = {str(ledger.path) for ledger in abandoned()}
    if dead:
        yield warning("leftovers", f"of {len(dead)} killed sweeps", "ipcbench clean")
    yield from _left_alone(together([each for each in left_alone() if each.ledger not in dead]))
    orphans = [each for each in candidates() if not each.doubt]
    if orphans:
        yield warning(
            "orphans",
            f"{len(orphans)} objects without a ledger and without a user, such as {orphans[0]}",
            "ipcbench clean --orphans",
        )


def _left_alone(left: Sequence[Left]) -> Iterator[Finding]:
    """Yield a finding for each of the first ledgers: a shared folder may have hundreds."""
    for each in left[:MOST_LEFT]:
        yield warning("leftovers", f"left alone: {each.ledger}: {each.reason}", each.remedy)
    more = len(left) - MOST_LEFT
    if more > 0:
        text = f"{more} more {'ledger is' if more == 1 else 'ledgers are'} left alone"
        yield warning("leftovers", text, "ipcbench clean shows each, with its reason")
