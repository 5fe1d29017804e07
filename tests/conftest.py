"""Around the whole run: a private runtime folder, and nothing may be left behind."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Ledgers and sockets of this run stay apart from those of real sweeps. Set before
# anything is imported that could ask; the path is short, for socket paths have 107 bytes.
_runtime = tempfile.mkdtemp(prefix="ipcb-")
os.environ["XDG_RUNTIME_DIR"] = _runtime
os.environ.pop("IPCBENCH_LEDGER", None)
# Tests disturb each other's sweeps; those of the void rule set this to 0.
os.environ["IPCBENCH_KEEP_DISTURBED"] = "1"

from ipcbench.bench.machine.guardian import Guardian  # noqa: E402
from ipcbench.bench.machine.interrupts import SIGNALS  # noqa: E402
from ipcbench.transports.contract import Unavailable  # noqa: E402
from ipcbench.transports.kernel_objects.ledger import current, remove_all  # noqa: E402
from ipcbench.transports.segments.huge_pages import Pages  # noqa: E402
from ipcbench.transports.testing.leaks import left_since, outliving  # noqa: E402
from tests import namespaces, parallel, sampling  # noqa: E402
from tests.huge_pages import ENOUGH, set_aside  # noqa: E402

DIED = pytest.StashKey[bool]()
EARLY = pytest.StashKey[sampling.Early]()


@pytest.fixture(scope="session", autouse=True)
def nothing_left_by_the_run() -> Iterator[None]:
    """No kernel object, ledger or process may outlive the run's tests, nor a run that is killed.

    Descriptors are each test's own affair: a library may keep one that it opened late.
    """
    ledger = current()
    guardian = Guardian(ledger)
    before = outliving()
    yield
    left = left_since(before, outliving)
    remove_all(ledger)
    guardian.dismiss()
    assert not left, f"the run left behind: {', '.join(map(str, left))}"


@pytest.fixture(autouse=True)
def unchanged_process() -> Iterator[None]:
    """Restore what a test that plays a command or a worker changes: CPUs, and handlers of signals.

    Later tests would be pinned as well, and their children ignore SIGTERM.
    """
    cpus = os.sched_getaffinity(0)
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    if os.sched_getaffinity(0) != cpus:
        os.sched_setaffinity(0, cpus)
    for number, handler in handlers.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def huge_pages(nothing_left_by_the_run: None) -> Iterator[None]:
    """As many as the tests need, for the rest of the run, where they can be had.

    Where they cannot, what takes them is skipped, with the reason that it gives itself.
    """
    try:
        pages = Pages.now()
    except Unavailable:
        yield
        return
    lack = ENOUGH // pages.size - pages.free
    if lack <= 0:
        yield
        return
    with set_aside(lack):
        yield


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for mark in metafunc.definition.iter_markers("parametrize"):
        values = mark.args[1] if len(mark.args) > 1 else mark.kwargs["argvalues"]
        parallel.refuse_unordered(values, mark.kwargs.get("ids"))


def _unheeded(number: int, frame: object) -> None:
    """Ignore a signal here, and in no program that a test starts and sends it to.

    Of nohup(1), and of a shell's `&`, a program inherits that it ignores one; a handler is not
    inherited (execve(2)).
    """


def pytest_configure(config: pytest.Config) -> None:
    """Give each of several processes (`-n`) private namespaces, where that is allowed.

    Draw a sample early where the whole contract would be collected.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _unheeded)
    if (
        not sampling.SOAK
        and not config.option.keyword
        and not any("::" in one for one in config.args)
    ):
        config.stash[EARLY] = sampling.Early(sampling.SEED)
    if hasattr(config, "workerinput") and namespaces.possible():
        namespaces.enter()


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> parallel.Units:
    return parallel.Units(config, log)


def pytest_unconfigure() -> None:
    shutil.rmtree(Path(_runtime), ignore_errors=True)


def pytest_report_header() -> str:
    sample = "everything" if sampling.SOAK else f"a sample, IPCBENCH_SEED={sampling.SEED}"
    return f"ipcbench: {sample}"


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str
) -> list[pytest.Item] | None:
    """Make no items of a test for a transport on which it is not drawn."""
    early, transport = collector.config.stash.get(EARLY, None), sampling.transport_of(collector)
    if early is not None and transport is not None and early.leaves_out(transport, name):
        return []
    return None


def pytest_itemcollected(item: pytest.Item) -> None:
    early = item.config.stash.get(EARLY, None)
    if early is not None:
        early.note(item)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the sample leaves out, and count it; sort the tests for several processes."""
    chosen = sampling.chosen(items, config.stash.get(EARLY, None))
    left_out = list(set(items) - set(chosen))
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = chosen
    if hasattr(config, "workerinput"):
        items.sort(key=parallel.rank)
        config.workeroutput["left out"] = len(left_out)


def pytest_collection_finish() -> None:
    """Leave pytest's own objects out of later garbage collections.

    Most tests fork, and a collection in a child would copy all of them, page by page.
    """
    gc.collect()
    gc.freeze()


def pytest_testnodedown(node: Any, error: object) -> None:
    """Report what a process left out (all leave out the same tests), and note one that died."""
    if error:
        node.config.stash[DIED] = True
    reporter = node.config.pluginmanager.get_plugin("terminalreporter")
    left_out = getattr(node, "workeroutput", {}).get("left out", 0)
    if reporter is not None and "deselected" not in reporter.stats and left_out:
        node.config.hook.pytest_deselected(items=[node] * left_out)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where a process died after its last test: its last checks were not made."""
    if session.config.stash.get(DIED, False) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
