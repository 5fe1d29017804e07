"""Huge pages that are missing or forbidden: a skip, a failure, one line; never a signal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ipcbench.transports.contract import Unavailable
from ipcbench.transports.segments.huge_pages import Pages
from ipcbench.transports.shm.kinds import IN_HUGE_PAGES
from tests.e2e.command import FITNESS
from tests.faults.confined import CANNOT, NOBODY, Confinement
from tests.faults.sweeps import Sandbox, failed, only_line, why_skipped
from tests.huge_pages import none_free

ROOT = Path(__file__).parents[2]
FREE = Confinement()
RING = "shm:memfd+posix-sem/huge"

try:
    PAGE = Pages.now().size
except Unavailable as none:
    pytest.skip(str(none), allow_module_level=True)


@pytest.fixture
def available(huge_pages: None) -> None:
    for kind in IN_HUGE_PAGES.values():
        reason = kind.probe()
        if reason is not None:
            pytest.skip(f"{reason.reason} ({reason.remedy})")


@pytest.fixture
def one_page() -> Iterator[Path]:
    """A cgroup, of version 1 or 2, that allows one huge page."""
    base = Path("/sys/fs/cgroup")
    second = base / "unified" if (base / "unified").is_dir() else base
    folder = (base / "hugetlb" if (base / "hugetlb").is_dir() else second) / f"ipc-{os.getpid()}"
    control, on = second / "cgroup.subtree_control", False
    try:
        if folder.parent == second and "hugetlb" not in control.read_text():
            control.write_text("+hugetlb")
            on = True
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup with a limit of huge pages can be made here: {error}")
    try:
        limits = [*folder.glob("hugetlb.*.max"), *folder.glob("hugetlb.*.limit_in_bytes")]
        for limit in limits:
            if "rsvd" not in limit.name:
                limit.write_text(str(PAGE))
        if not limits:
            pytest.skip("the cgroup has no limit of huge pages")
        yield folder
    finally:
        folder.rmdir()
        if on:
            with suppress(OSError):  # another cgroup uses it by now
                control.write_text("-hugetlb")


# No page is free


def test_no_free_page_is_a_skip(sandbox: Sandbox) -> None:
    with none_free():
        done, results = sandbox.sweep(FREE, "-t", RING, "-t", "null", "--pattern", "latency")
        total = Pages.now().total
    assert done.returncode == 0, done.stderr
    assert not failed(results)
    ((reason, remedy),) = why_skipped(results, RING)
    assert reason == f"no huge page is free, of vm.nr_hugepages = {total}"
    assert remedy.startswith("sysctl -w vm.nr_hugepages=")
    assert reason in sandbox.page() and remedy in sandbox.page()


def test_no_free_page_and_no_other_cell(sandbox: Sandbox) -> None:
    with none_free():
        done = sandbox.run(FREE, "run", RING, "-o", sandbox.results)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert (
        line.startswith("Error: all cells were skipped: no huge page is free")
        and "sysctl -w vm.nr_hugepages=" in line
    )


def test_list_and_doctor_report_no_free_page(sandbox: Sandbox) -> None:
    with none_free():
        for command in ("list", "doctor"):
            done = sandbox.run(FREE, command)
            assert done.returncode in ((0,) if command == "list" else FITNESS), done.stderr
            words = " ".join(done.stdout.split())
            assert "no huge page is free" in words and "sysctl -w vm.nr_hugepages=" in words


def test_memory_without_huge_pages(sandbox: Sandbox) -> None:
    line = only_line(sandbox.run(FREE, "run", "shm:posix+futex/huge", "-o", sandbox.results))
    assert "only sysv and memfd can" in line


# Pages are free but forbidden


def test_a_cgroups_limit_is_reached_in_the_middle(
    available: None, one_page: Path, sandbox: Sandbox
) -> None:
    """The limit allows the probe's page and small messages, but not larger ones."""
    confinement = Confinement(cgroup=str(one_page))
    done, results = sandbox.sweep(
        confinement,
        RING,
        "null",
        "-s",
        "64",
        "-s",
        "1M",
        "--pattern",
        "latency",
        "--placement",
        "same-core",
    )
    assert done.returncode == 0, done.stderr
    assert results.cells[f"latency/{RING}/python/64B/2p/same-core"].good
    full = failed(results)
    assert {one.cell.size for one in full} == {1 << 20}
    for failure in [failure for one in full for failure in one.failures]:
        assert failure.what.startswith("posix_fallocate(3) of ")
        assert failure.remedy.startswith("raise the cgroup's hugetlb.")


CREATE = """
import sys
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.segments.huge_pages import Pages
from ipcbench.transports.shm.kinds import IN_HUGE_PAGES
try:
    IN_HUGE_PAGES[sys.argv[1]].create(2 * Pages.now().size, None)
except Unavailable as reason:
    print(reason.reason, reason.remedy, sep="\\n")
"""


def created_by(confinement: Confinement, kind: str, sandbox: Sandbox) -> list[str]:
    """Create two pages of memory in a confined process; return the reason and the remedy."""
    done = subprocess.run(
        confinement.wrapped([sys.executable, "-c", CREATE, kind]),
        env={
            "PYTHONPATH": str(ROOT),
            "XDG_RUNTIME_DIR": str(sandbox.home),
            "PATH": os.defpath,
            # The other user is one of this test process: NOBODY.
            "PYTEST_XDIST_WORKER": os.environ.get("PYTEST_XDIST_WORKER", "gw0"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode == CANNOT:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert sandbox.left() == []
    return done.stdout.splitlines()


@pytest.mark.parametrize("kind", IN_HUGE_PAGES)
def test_a_cgroup_allows_fewer(
    available: None, one_page: Path, sandbox: Sandbox, kind: str
) -> None:
    """The cgroup counts at the first access, where a reserved page would raise SIGBUS."""
    reason, remedy = created_by(Confinement(cgroup=str(one_page)), kind, sandbox)
    assert f" of {2 * PAGE} bytes fails: " in reason
    assert reason.endswith(" huge pages free")
    assert remedy.startswith("raise the cgroup's hugetlb.")


def test_a_user_without_the_privilege(available: None, sandbox: Sandbox) -> None:
    """Huge pages take a privilege in shmget(2), but not in memfd_create(2)."""
    if os.getuid():
        pytest.skip("only root can become another user")
    os.chown(sandbox.home, NOBODY, NOBODY)
    other = Confinement(user=True)
    assert created_by(other, "memfd", sandbox) == []
    reason, remedy = created_by(other, "sysv", sandbox)
    assert reason == "shmget(2) of huge pages fails: Operation not permitted"
    assert remedy.startswith("sysctl -w vm.hugetlb_shm_group=")
