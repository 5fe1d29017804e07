"""Processes of our user that /proc hides, or whose objects it does not show: proc(5), ptrace(2).

A process that has changed its user is such a one, as is a program with capabilities of its file.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import DEADLINE, environment
from tests.faults.containers import PIDS, inside
from tests.faults.other_user import OTHER_UID, as_root

pytestmark = as_root

# One child of root's process 1 has objects; the other, of the same user, looks for leftovers.
SCRIPT = textwrap.dedent("""
    import json, os, subprocess, sys
    from pathlib import Path
    from ipcbench.bench.machine.guardian import clean_up
    from ipcbench.transports.kernel_objects import announce, fresh_name, orphans
    from ipcbench.transports.kernel_objects import named_files, users_of_objects
    from ipcbench.transports.kernel_objects.elsewhere import left_alone
    from ipcbench.transports.kernel_objects.home import home
    from ipcbench.transports.kernel_objects.ledger import abandoned, ledgers
    from tests.faults.other_user import become

    uid, option, shared = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    subprocess.run(["mount", "-t", "proc", "-o", f"hidepid={option}", "proc", "/proc"], check=True)
    made, until = os.pipe(), os.pipe()
    if not os.fork():
        become(uid)
        announce("file", str(home() / fresh_name()))
        held = (shared / fresh_name()).open("w")
        os.write(made[1], b"1")
        os.close(until[1])
        os.read(until[0], 1)
        os._exit(0)
    os.read(made[0], 1)
    if os.fork():
        sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
    become(uid)
    named_files._SHARED = (shared,)
    orphans.QUIET = -5.0
    users_of_objects.INITIAL_PIDS = os.stat("/proc/self/ns/pid").st_ino
    told = {
        "owners": [ledger.owner().value for ledger in ledgers()],
        "left": [each.as_dict() for each in left_alone()],
        "removed": [clean_up(ledger) for ledger in abandoned()],
        "doubts": [each.doubt for each in orphans.candidates()],
    }
    print(json.dumps(told))
""")


@pytest.fixture
def other_folder() -> Iterator[Path]:
    """A folder that the other user can enter."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def told(option: int, folder: Path) -> dict[str, list[object]]:
    """Return what the second process finds where /proc has this value of hidepid."""
    for name in ("home", "shared"):
        (folder / name).mkdir(mode=0o1777)
        (folder / name).chmod(0o1777)
    done = subprocess.run(
        [
            *inside(*PIDS, "--mount"),
            *(sys.executable, "-c", SCRIPT, str(OTHER_UID), str(option), str(folder / "shared")),
        ],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(XDG_RUNTIME_DIR=str(folder / "home")),
        check=False,
    )
    if "mount:" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    found: dict[str, list[object]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("option", [1, 2])
def test_the_objects_of_a_hidden_process_stay(option: int, other_folder: Path) -> None:
    found = told(option, other_folder)
    assert found["removed"] == []
    assert found["owners"] == ["unknown"]
    assert "hidepid" in str(found["left"]) and "when it has ended" in str(found["left"])
    (doubt,) = found["doubts"]
    assert "hidepid" in str(doubt)


def test_what_a_process_that_cannot_be_read_has_open_is_undecided(other_folder: Path) -> None:
    found = told(0, other_folder)
    assert found["owners"] == ["alive"]
    assert found["left"] == found["removed"] == []
    (doubt,) = found["doubts"]
    assert "cannot be read: run this again when that has ended" in str(doubt)
