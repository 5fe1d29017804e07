"""Runtime folder, of ledgers and sockets, that is stale or unusable: the cause and a remedy."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import findings, ipcbench
from tests.faults.confined import Confinement
from tests.faults.sweeps import Sandbox, only_line

SWEEP = ("run", "--profile", "smoke", "--clock", "fake", "-t", "pipe", "--pattern", "latency")
OWN = "or set XDG_RUNTIME_DIR to a folder of your own"


def home_in(folder: Path) -> Path:
    return folder / f"ipcbench-{os.getuid()}"


def removed(folder: Path) -> Path:
    """Return a folder that is gone, as that of a login session that has ended."""
    return folder / "gone"


def a_file(folder: Path) -> Path:
    (folder / "file").touch()
    return folder / "file"


def dangling(folder: Path) -> Path:
    (folder / "link").symlink_to(folder / "gone")
    return folder / "link"


def loop(folder: Path) -> Path:
    (folder / "loop").symlink_to(folder / "loop")
    return folder / "loop"


def home_is_a_file(folder: Path) -> Path:
    home_in(folder).touch(mode=0o600)
    return folder


def home_is_a_dangling_link(folder: Path) -> Path:
    home_in(folder).symlink_to(folder / "gone")
    return folder


def home_is_open_to_others(folder: Path) -> Path:
    home_in(folder).mkdir()
    home_in(folder).chmod(0o755)
    return folder


def home_is_not_writable(folder: Path) -> Path:
    home_in(folder).mkdir(mode=0o500)
    return folder


def home_of_another_user(folder: Path) -> Path:
    home_in(folder).mkdir(mode=0o700)
    try:
        os.chown(home_in(folder), 12345, 12345)
    except OSError as error:
        pytest.skip(f"only root can give a folder to another user: {error.strerror}")
    return folder


UNSET = "unset XDG_RUNTIME_DIR, or set it to a folder of yours that exists"
FAULTS: list[tuple[Callable[[Path], Path], str, str]] = [
    (removed, "{named}/ipcbench-{uid} cannot be made: No such file or directory", UNSET),
    (a_file, "{named}/ipcbench-{uid} cannot be made: Not a directory", UNSET),
    (
        dangling,
        "{folder}/gone/ipcbench-{uid} cannot be made: No such file or directory "
        "({named} is a link to there)",
        UNSET,
    ),
    (home_is_a_file, "{home} is not a folder of ours alone (0700): it is a file", "remove it"),
    (
        home_is_a_dangling_link,
        "{home} is not a folder of ours alone (0700): it is a link",
        "remove it",
    ),
    (
        home_is_open_to_others,
        "{home} is not a folder of ours alone (0700): its mode is 0755",
        "chmod 700 {home}",
    ),
    (
        home_is_not_writable,
        "{home} is not a folder of ours alone (0700): its mode is 0500",
        "chmod 700 {home}",
    ),
    (
        home_of_another_user,
        "{home} is not a folder of ours alone (0700): it belongs to user 12345",
        "remove it",
    ),
]


@pytest.mark.parametrize(
    ("make", "cause", "remedy"), FAULTS, ids=[make.__name__ for make, _, _ in FAULTS]
)
def test_an_unusable_runtime_folder(
    make: Callable[[Path], Path], cause: str, remedy: str, sandbox: Sandbox
) -> None:
    named = make(sandbox.home)
    names = {
        "named": named, "folder": sandbox.home, "home": home_in(named), "uid": os.getuid(),
    }  # fmt: skip
    cause, remedy = cause.format(**names), remedy.format(**names)
    if remedy != UNSET:
        remedy = f"{remedy}, {OWN}"
    environment = {"XDG_RUNTIME_DIR": str(named)}
    refusal = f"Error: {cause}: {remedy}"
    for arguments in (("clean",), ("clean", "--orphans"), (*SWEEP, "-o", str(sandbox.results))):
        assert only_line(ipcbench(*arguments, **environment)) == refusal
    done = ipcbench("doctor", "--json", **environment)
    assert done.returncode == 2, done.stderr
    told = findings(done.stdout)
    (finding,) = (one for one in told if one["topic"] == "runtime folder")
    assert finding == {
        "severity": "problem", "topic": "runtime folder", "text": cause, "remedy": remedy,
    }  # fmt: skip
    assert {"CPUs", "fifo"} <= {one["topic"] for one in told}  # it continues


def test_a_loop_of_links(sandbox: Sandbox) -> None:
    named = loop(sandbox.home)
    line = only_line(ipcbench("clean", XDG_RUNTIME_DIR=str(named)))
    assert line.startswith("Error: ")
    assert "XDG_RUNTIME_DIR" in line


def test_a_read_only_file_system(sandbox: Sandbox) -> None:
    read_only = Confinement(namespaces=("mount",), tmpfs={str(sandbox.home): "ro"})
    done = sandbox.run(read_only, "clean")
    assert only_line(done) == (
        f"Error: {home_in(sandbox.home)} cannot be made: Read-only file system: "
        "set XDG_RUNTIME_DIR to a folder of yours in which you may write"
    )


def test_a_usable_runtime_folder_is_a_finding(sandbox: Sandbox) -> None:
    told = findings(ipcbench("doctor", "--json", XDG_RUNTIME_DIR=str(sandbox.home)).stdout)
    (finding,) = (one for one in told if one["topic"] == "runtime folder")
    assert (finding["severity"], finding["text"]) == ("ok", str(home_in(sandbox.home)))
