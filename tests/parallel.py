"""Units of tests that several processes of one run take in turn: pytest-xdist's scheduler.

A file is a unit, and so is each transport's class of the contract: module and class fixtures are
set up once. So is the folder of tests that share one browser. Tests that need the machine's huge
pages are one unit, since some of them take all pages. Where the processes cannot have namespaces of
their own (namespaces.py), two more kinds of tests join them: those that sweep, since a network
namespace has one sweep at a time, and those that need much of the bytes that a user has for POSIX
queues.

The unit that takes longest comes first and short units come last, so all processes end together.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests import namespaces

HUGE = "huge pages"
# Files whose tests set aside huge pages, take all of them, or run all transports, those in huge
# pages too.
HUGE_FILES = frozenset(
    {
        "test_docs", "test_huge_pages", "test_huge_rings", "test_mixed_runtimes",
        "test_native_sweep", "test_other_user", "test_soak_sample", "test_sweep", "test_wheel",
    }
)  # fmt: skip
CONTRACT = "test_contract"
BROWSER = "tests/browser"
SWEEPS = frozenset({"e2e", "faults"})  # folders
QUEUE_FILES = frozenset({"test_queues"})  # RLIMIT_MSGQUEUE is one for all processes of a user
ORDER = (
    "faults",
    "e2e",
    "browser",
    "native",
    "contract",
    "chapter",
    "transports",
    "unit",
)  # by the resources that a file needs; those that fork before those that load large libraries


def unit(nodeid: str, alone: bool) -> str:
    """Return the unit of a test. `alone`: its process has namespaces of its own."""
    path, _, rest = nodeid.partition("::")
    file = PurePath(path)
    shared = not alone and (SWEEPS & set(file.parts) or file.stem in QUEUE_FILES)
    if path.startswith(f"{BROWSER}/"):
        return BROWSER
    if file.stem in HUGE_FILES or shared:
        return HUGE
    if file.stem != CONTRACT:
        return path
    transport = rest.partition("::")[0]
    limited = "/huge" in transport or (not alone and "posix-queue" in transport)
    return HUGE if limited else f"{path}::{transport}"


def rank(item: pytest.Item) -> tuple[bool, int]:
    """Return the place of a test in a run with several processes."""
    folders = PurePath(item.nodeid.partition("::")[0]).parts
    found = [place for place, folder in enumerate(ORDER) if folder in folders]
    return unit(item.nodeid, True) != HUGE, min(found, default=0)


def refuse_unordered(values: Iterable[object], name: object) -> None:
    """Refuse names of tests that follow the order of a set: it differs between processes.

    Strings have another hash in each process (PYTHONHASHSEED), so that pytest-xdist would find
    "Different tests were collected". `name`: the function that names a value.
    """
    if not callable(name) or iter(values) is values:  # pytest needs what an iterator yields
        return
    for each in values:
        for one in each if isinstance(each, tuple | list) else (each,):
            if not isinstance(one, set | frozenset) or len(one) < 2:
                continue
            text = str(name(one))
            if all(str(member) in text for member in one):
                raise pytest.UsageError(f"a set names tests, {text!r}: give a list")


class Units(LoadScopeScheduling):
    """Units in the order of their tests."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False
        self._alone = namespaces.possible()

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid, self._alone)
