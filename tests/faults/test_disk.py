"""Full, read-only and missing disks: one line of error, complete files, a way to resume."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ipcbench.bench.results.results import load
from ipcbench.transports.testing.leaks import left_since, snapshot
from tests.e2e.command import end, environment, ipcbench, started, wait_for
from tests.e2e.command import lines as lines_of
from tests.faults.disks import error_lines, in_private

SWEEP = "run --clock fake --profile smoke --seed 7 -t null -t pipe -s 64 --pattern latency"
ARGUMENTS = SWEEP.split()
FOUR = """
about = "Transports whose objects have names."

[run]
rounds = 2
values = 1
block = "2ms"

[[cells]]
patterns = ["latency"]
transports = ["fifo", "sysv-queue", "posix-queue", "shm:posix+posix-sem"]
sizes = ["64", "96", "128", "192", "256", "512"]
placements = ["same-core"]
"""
RESUME = "once that is solved, continue with: ipcbench run --resume "


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep on a disk with enough space."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    done = ipcbench(*ARGUMENTS, "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The mount point of a small disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


def figures(folder: Path) -> dict[str, dict[int, float]]:
    return {identity: result.by_round() for identity, result in load(folder).cells.items()}


def drafts(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*")]


# The journal.


def test_a_full_disk_stops_the_sweep_and_it_resumes_with_more_space(
    whole: Path, disk: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    done = in_private(
        f"""
        mount -t tmpfs -o size=8k tmpfs "$1" || exit 98
        ipcbench {SWEEP} -o "$1/run"; echo "exit $?"
        mkdir "$2" && cp "$1/run/journal.jsonl" "$2"
        mount -o remount,size=4m "$1"
        ipcbench run --resume "$1/run"; echo "exit $?"
        cp -r "$1/run" "$2/resumed"
        """,
        disk,
        kept,
    )
    assert done.returncode == 0, done.stderr
    assert "exit 3" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "exit 0"
    journal = disk / "run/journal.jsonl"
    assert error_lines(done.stderr) == [
        f"Error: {journal}: No space left on device: the sweep stops here, and its "
        f"measurements are kept; {RESUME}{journal.parent}"
    ]
    data = (kept / "journal.jsonl").read_bytes()
    assert data.endswith(b"\n")
    assert 0 < sum(len(result.runs) for result in load(kept).cells.values()) < 8
    assert load(kept).ended is None
    assert (kept / "resumed/journal.jsonl").read_bytes().startswith(data)
    assert figures(kept / "resumed") == figures(whole)
    assert load(kept / "resumed").resumed[0].dropped == ""


def test_a_quota_stops_the_sweep_and_it_resumes_when_raised(
    whole: Path, disk: Path, tmp_path: Path
) -> None:
    """A quota group of btrfs(5), which takes root but no second user."""
    if not (os.geteuid() == 0 and shutil.which("mkfs.btrfs") and Path("/dev/loop0").exists()):
        pytest.skip("a quota takes root, btrfs-progs and a loop device (loop(4))")
    done = in_private(
        f"""
        truncate -s 128m "$2/image" && mkfs.btrfs -q "$2/image" >&2 || exit 98
        mount -o loop "$2/image" "$1" && btrfs -q quota enable "$1" || exit 98
        btrfs -q subvolume create "$1/mine" || exit 98
        echo begun >&2
        ipcbench {SWEEP} -o "$1/mine/run" & sweep=$!
        runs "$1/mine/run" 4
        btrfs qgroup limit 16k "$1/mine"
        wait $sweep; echo "exit $?"
        btrfs qgroup limit none 0/256 "$1"  # the first subvolume
        ipcbench run --resume "$1/mine/run"; echo "exit $?"
        cp -r "$1/mine/run" "$2/resumed"
        umount "$1"
        """,
        disk,
        tmp_path,
    )
    if done.returncode == 98:
        pytest.skip(f"no quota can be set: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stdout.splitlines()
    assert (first, last) == ("exit 3", "exit 0")
    folder = disk / "mine/run"
    assert error_lines(done.stderr.split("begun\n")[1]) == [
        f"Error: {folder}/journal.jsonl: Disk quota exceeded: the sweep stops here, and its "
        f"measurements are kept; {RESUME}{folder}"
    ]
    assert figures(tmp_path / "resumed") == figures(whole)


def test_a_limit_of_the_files_size_is_reported(tmp_path: Path) -> None:
    """RLIMIT_FSIZE causes no SIGXFSZ and no core dump, but EFBIG's message."""
    folder = tmp_path / "run"
    limited = f'ulimit -c unlimited; ulimit -f 8; exec "$0" -m ipcbench {SWEEP} -o "$1"'
    done = subprocess.run(
        ["bash", "-c", limited, sys.executable, str(folder)],
        capture_output=True, text=True, cwd=tmp_path, timeout=60, env=environment(),
    )  # fmt: skip
    assert done.returncode == 3
    (line,) = error_lines(done.stderr)
    assert line.startswith(f"Error: {folder}/journal.jsonl: File too large: the sweep stops here")
    assert os.listdir(tmp_path) == ["run"]
    assert not any(result.failures for result in load(folder).cells.values())


def test_no_space_for_the_plan_leaves_no_folder(tmp_path: Path) -> None:
    done = in_private(
        f"""
        mount -t tmpfs -o size=4k,nr_inodes=100 tmpfs "$1" && head -c 4096 /dev/zero >"$1/full"
        ipcbench {SWEEP} -o "$1/run"; echo "exit $?"
        ls "$1"
        """,
        tmp_path,
    )
    assert done.stdout.split("\n") == ["exit 3", "full", ""]
    assert error_lines(done.stderr) == [
        f"Error: {tmp_path}/run/journal.jsonl: No space left on device: choose another folder "
        "with --output"
    ]


def test_a_folder_that_cannot_be_written(disk: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = in_private(
        f"""
        mount -t tmpfs tmpfs "$1" && mkdir "$1/empty" && mount -o remount,ro "$1"
        cd "$1"
        ipcbench {SWEEP} -o empty; echo "exit $?"
        ipcbench {SWEEP}; echo "exit $?"
        ipcbench {SWEEP} -o "$2/below"; echo "exit $?"
        """,
        disk,
        tmp_path / "file",
    )
    assert done.stdout.split("\n") == ["exit 3", "exit 3", "exit 3", ""]
    assert error_lines(done.stderr) == [
        "Error: empty/journal.jsonl: Read-only file system: choose another folder with --output",
        "Error: results: Read-only file system: choose another folder with --output",
        f"Error: {tmp_path}/file is no folder: choose another folder with --output",
    ]


@pytest.mark.parametrize("how", ["removed", "moved"])
def test_a_removed_or_moved_folder_stops_the_sweep(how: str, tmp_path: Path) -> None:
    """Otherwise it would continue for hours and write to a deleted file."""
    folder = tmp_path / "run"
    with started(*ARGUMENTS[:-2], "-o", folder) as process:
        wait_for("two runs", lambda: lines_of(folder, "run") >= 2)
        if how == "removed":
            shutil.rmtree(folder)
        else:
            folder.rename(tmp_path / "there")
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert error_lines(errors) == [
        f"Error: {folder}/journal.jsonl: removed or renamed during the sweep, which stops here; "
        "its measurements are in the renamed file"
    ]
    if how == "moved":
        assert len(load(tmp_path / "there").cells) > 4


def test_measured_runs_survive_a_crash_of_the_machine(
    whole: Path, disk: Path, tmp_path: Path
) -> None:
    """A copy of the device of a mounted file system is what a power cut leaves."""
    kept = tmp_path / "kept"
    if not (os.geteuid() == 0 and shutil.which("mkfs.ext4") and Path("/dev/loop-control").exists()):
        pytest.skip("a file system in a file takes root, mkfs.ext4(8) and loop devices (loop(4))")
    kept.mkdir()
    done = in_private(
        f"""
        truncate -s 4m "$2/image" && mkfs.ext4 -q "$2/image" || exit 98
        mount -o loop "$2/image" "$1" || exit 98
        ipcbench {SWEEP} -o "$1/run" & sweep=$!
        runs "$1/run" 4
        grep -c '"kind":"run"' "$1/run/journal.jsonl"
        cp "$2/image" "$2/crashed"
        wait $sweep && umount "$1" && mount -o loop "$2/crashed" "$1" || exit 97
        cp -r "$1/run" "$2/found"
        umount "$1"
        """,
        disk,
        kept,
    )
    if done.returncode == 98:
        pytest.skip(f"no loop device available: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    seen = int(done.stdout.splitlines()[0])
    # The last line seen may not be synced yet; the lines before it are.
    assert lines_of(kept / "found", "run") >= seen - 1 >= 3
    assert ipcbench("run", "--resume", kept / "found").returncode == 0
    assert figures(kept / "found") == figures(whole)


# The page and the suite.


def test_a_page_without_space_loses_no_measurement(whole: Path, disk: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = in_private(
        f"""
        mount -t tmpfs -o size=40k tmpfs "$1" || exit 98
        ipcbench {SWEEP} -o "$1/run"; echo "exit $?"
        cp -r "$1/run" "$2"
        mount -o remount,size=4m "$1"
        ipcbench report "$1/run"; echo "exit $?"
        cp -r "$1/run" "$2/reported"
        """,
        disk,
        kept,
    )
    assert done.stdout.splitlines()[0] == "exit 3", done.stderr
    assert done.stdout.splitlines()[-1] == "exit 0", done.stderr
    run = disk / "run"
    (line,) = error_lines(done.stderr)
    assert line.startswith(f"Error: {run}/")
    assert line.endswith(
        ": No space left on device: the page cannot be written, but the measurements are kept; "
        f"once that is solved: ipcbench report {run}"
    )
    assert figures(kept) == figures(whole)
    assert drafts(kept) == []
    assert not (kept / "report.html").exists()
    assert (kept / "reported/report.html").read_text().endswith("</html>")


def test_a_report_never_leaves_half_a_file(whole: Path, disk: Path, tmp_path: Path) -> None:
    """The old files stay complete, whichever new file finds no space."""
    before = {path: path.read_bytes() for path in whole.rglob("*.*") if path.is_file()}
    kept = tmp_path / "kept"
    size = sum(os.path.getsize(path) // 4096 + 1 for path in before) * 4
    done = in_private(
        """
        mount -t tmpfs -o size="$4k" tmpfs "$1" && cp -r "$2" "$1" && ipcbench report "$1/run"
        code=$?; cp -r "$1/run" "$3"; exit $code
        """,
        *(disk, whole, kept, str(size)),
    )
    assert done.returncode == 3, done.stdout
    (line,) = error_lines(done.stderr)
    assert line.endswith(": No space left on device")
    assert {path: (kept / path.relative_to(whole)).read_bytes() for path in before} == before
    assert drafts(kept) == []


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_log_on_a_full_disk_stops_no_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unbuffered: str
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with open("/dev/full", "w") as full:
        for arguments, code in (([*ARGUMENTS, "-o", str(tmp_path / "run")], 0), (["run", "-x"], 3)):
            command = [sys.executable, "-m", "ipcbench", *arguments]
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=full, timeout=60)
            assert done.returncode == code
    assert (tmp_path / "run/report.html").exists()


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["--help"]], ids=str)
def test_a_result_that_cannot_be_written_is_an_error(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], unbuffered: str
) -> None:
    """The exit code is not 1, which means a broken promise."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "ipcbench", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 3
    assert done.stderr == "Error: the output cannot be written: No space left on device\n"


# The ledger.


def test_without_a_ledger_nothing_is_created(disk: Path, tmp_path: Path) -> None:
    before = snapshot()
    done = in_private(
        f"""
        mount -t tmpfs -o size=4k,nr_inodes=100 tmpfs "$1" && mkdir -m 700 "$1/ipcbench-$(id -u)"
        head -c 4096 /dev/zero >"$1/full"
        ipcbench {SWEEP} -o "$2"; echo "exit $?"
        ipcbench list --json >"$3"
        find "$1" -type f
        """,
        *(disk, tmp_path / "run", tmp_path / "list"),
        XDG_RUNTIME_DIR=str(disk),
    )
    assert done.stdout.split("\n") == ["exit 3", f"{disk}/full", ""]
    (line,) = error_lines(done.stderr)
    assert line.startswith(f"Error: {disk}/ipcbench-")
    assert line.endswith(
        ": No space left on device: make room there, or set XDG_RUNTIME_DIR to another folder of "
        "yours"
    )
    assert not (tmp_path / "run").exists()
    found = {each["name"]: each for each in json.loads((tmp_path / "list").read_text())}
    assert found["pipe"]["available"]
    for name in ("fifo", "sysv-queue", "posix-queue", "shm:posix+posix-sem"):
        assert not found[name]["available"]
        assert "No space left on device" in found[name]["reason"]
        assert "XDG_RUNTIME_DIR" in found[name]["remedy"]
    assert not left_since(before)


def test_a_full_ledger_fails_runs_and_leaves_no_object(tmp_path: Path) -> None:
    """The disk has a short path: its one page is full in the middle of the calibrations."""
    before = snapshot()
    folder, disk = tmp_path / "run", Path("/mnt")  # in the private namespace alone
    profile = tmp_path / "four.toml"
    profile.write_text(FOUR)  # each transport of a profile is probed, which needs room as well
    done = in_private(
        """
        mount -t tmpfs -o size=4k,nr_inodes=100 tmpfs "$1"
        ipcbench run --clock fake --profile "$3" --seed 7 -o "$2"; echo "exit $?"
        find "$1" -type f
        """,
        *(disk, folder, profile),
        XDG_RUNTIME_DIR=str(disk),
    )
    assert done.stdout.split("\n") == ["exit 3", ""], done.stderr
    *failed, line = error_lines(done.stderr)
    assert failed
    assert all("No space left on device: make room there, or set XDG" in one for one in failed)
    assert line.startswith(f"Error: {disk}/ipcbench-")
    assert line.endswith(f": No space left on device: the sweep stops here, and its "
                         f"measurements are kept; {RESUME}{folder}")  # fmt: skip
    assert not left_since(before)

    done = ipcbench("run", "--resume", folder)
    assert done.returncode == 0, done.stderr
    assert all(2 in one.by_round() for one in load(folder).cells.values())


# Two writers.


def test_a_journal_has_one_writer(tmp_path: Path) -> None:
    """The journal's own lock refuses; with the fake clock there is no sweep lock."""
    folder = tmp_path / "run"
    with started(*ARGUMENTS[:-2], "--budget", "50s", "-o", folder) as process:
        wait_for("two runs", lambda: lines_of(folder, "run") >= 2)
        done = ipcbench("run", "--resume", folder)
        assert done.returncode == 3
        assert error_lines(done.stderr) == [
            f"Error: {folder}/journal.jsonl: the sweep is still running: wait for it, or stop it"
        ]
        end(process, signal.SIGINT)
    assert process.returncode == 0
    assert load(folder).resumed == []
