"""Arms that are built: a team's own transport, with C, at revisions and versions of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ipcbench.bench.results.comparison.comparison import load
from ipcbench.bench.workers.job import PROTOCOL
from tests.e2e.command import environment, ipcbench
from tests.e2e.documents import ROOT
from tests.e2e.installing import LEFTOVERS

EXAMPLE = ROOT / "examples/ipcbench-packet-pipe"
WHO = ("-c", "user.name=author", "-c", "user.email=author@localhost", "-c", "commit.gpgsign=false")

# In a process of its own: the command's environment is that process's.
PREPARE = """
import json, sys
from ipcbench.bench.arms.preparing import prepare
from ipcbench.bench.errors import BenchError
notes = []
try:
    arms = prepare(sys.argv[1], sys.argv[2], notes.append)
except BenchError as error:
    print(json.dumps({"notes": notes, "refused": f"{error}: {error.remedy}"}))
else:
    found = [{"described": arm.described, "digest": arm.digest, "python": arm.executable,
              "package": arm.package, "environment": arm.environment} for arm in arms]
    print(json.dumps({"notes": notes, "refused": "", "base": found[0], "head": found[1]}))
"""
# In an arm: the plug-in that its fork servers would import.
PLUGIN = """
import json, ipcbench_packet_pipe, _packets
from importlib.metadata import version
from ipcbench.transports.registry import transport
assert transport("packet-pipe").__module__ == "ipcbench_packet_pipe"
found = [ipcbench_packet_pipe.__file__, _packets.__file__, version("ipcbench-packet-pipe")]
print(json.dumps([*found, ipcbench_packet_pipe.MARK]))
"""


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *WHO, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


class Team(NamedTuple):
    """A team's repository, and a place where its plug-in is installed for the command."""

    repository: Path
    site: Path
    cache: Path

    def prepare(self, base: str, head: str, **more: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-P", "-c", PREPARE, base, head],
            cwd=self.repository,
            env=environment(
                PYTHONPATH=str(self.site), XDG_CACHE_HOME=str(self.cache), PYTHONSAFEPATH="1",
                **more,
            ),
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def entries(self) -> list[str]:
        return sorted(os.listdir(self.cache / "ipcbench/arms"))


def plugin_of(arm: dict[str, Any]) -> list[str]:
    """Return where an arm's plug-in is imported from, with C, its version, and its mark."""
    done = subprocess.run(
        [arm["python"], "-c", PLUGIN],
        env=arm["environment"], check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: list[str] = json.loads(done.stdout)
    return found


def commit(repository: Path, version: str) -> None:
    """Commit the example as another version, whose module has that mark."""
    shutil.copytree(EXAMPLE, repository, dirs_exist_ok=True, ignore=LEFTOVERS)
    settings = (repository / "pyproject.toml").read_text()
    assert 'version = "0.1"' in settings
    (repository / "pyproject.toml").write_text(
        settings.replace('version = "0.1"', f'version = "{version}"')
    )
    with (repository / "ipcbench_packet_pipe.py").open("a") as module:
        module.write(f'MARK = "{version}"\n')
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", version)
    git(repository, "tag", f"v{version}")


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    place = tmp_path_factory.mktemp("team")
    found = Team(place / "packet-pipe", place / "site", place / "cache")
    found.repository.mkdir()
    git(found.repository, "init", "-q", "-b", "main")
    commit(found.repository, "0.1")
    commit(found.repository, "0.2")
    copy = shutil.copytree(found.repository, place / "copy")
    pip = ("install", "--no-deps", "--no-index", "--no-build-isolation", "--target", found.site)
    subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", *map(str, pip), copy],
        check=True, env=environment(), capture_output=True,
    )  # fmt: skip
    return found


def test_a_revision_against_what_is_installed(team: Team) -> None:
    """The arm has its own version, also where another one is installed for the command."""
    before = git(team.repository, "status", "--porcelain", "--ignored")
    found = team.prepare("v0.1", "here")
    assert found["refused"] == ""
    module, compiled, version, mark = plugin_of(found["base"])
    own = str(team.cache)
    assert module.startswith(own) and compiled.startswith(own)
    assert version == mark == "0.1"
    module, _, version, mark = plugin_of(found["head"])
    assert module.startswith(str(team.site)) and version == mark == "0.2"
    assert found["base"]["digest"] != found["head"]["digest"]
    assert found["base"]["package"] == found["head"]["package"]  # both have this ipcbench
    assert any("building commit" in note for note in found["notes"])
    # It is installed from a copy, which may be behind the work tree.
    assert any(str(team.site) in note and "--editable" in note for note in found["notes"])
    assert git(team.repository, "status", "--porcelain", "--ignored") == before
    assert git(team.repository, "worktree", "list").count("\n") == 0


def test_a_comparison_of_a_revision(team: Team, tmp_path: Path) -> None:
    """The whole command, from the folder of the team's project."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ipcbench", "compare", "packet-pipe", "--base", "v0.1",
         "--pattern", "latency", "-s", "64", "--runtime", "python", "--placement", "same-core",
         "--clock", "fake", "--budget", "500ms", "-o", tmp_path / "out"],
        cwd=team.repository,
        env=environment(PYTHONPATH=str(team.site), XDG_CACHE_HOME=str(team.cache)),
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    found = load(tmp_path / "out")
    base, head = found.header.arms
    assert "ipcbench-packet-pipe 0.1" in base.described
    assert "ipcbench-packet-pipe 0.2" in head.described
    assert [len(cell.pairs) > 0 for cell in found.cells.values()] == [True], done.stderr


def test_a_revision_is_built_once(team: Team) -> None:
    team.prepare("v0.1", "v0.1")
    entries = team.entries()
    again = team.prepare("rev:v0.1", "v0.1~0")
    assert again["notes"] == [
        "rev:v0.1 and v0.1~0 have the same code: this compares it with itself"
    ]
    assert again["base"]["python"] == again["head"]["python"]
    assert team.entries() == entries


def test_a_changed_work_tree_is_mentioned(team: Team) -> None:
    try:
        (team.repository / "compare.toml").write_text("# changed\n")
        notes = team.prepare("v0.1", "HEAD")["notes"]
    finally:
        git(team.repository, "checkout", "-q", "compare.toml")
    assert any(
        note.startswith("head: 1 changed file of the work tree is not in ") for note in notes
    )


def test_a_folder_and_a_wheel(team: Team, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    git(tmp_path, "clone", "-q", str(team.repository), str(folder))
    git(folder, "checkout", "-q", "v0.1")
    before = set(os.listdir(folder))
    subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--no-index",
         "--no-build-isolation", "--wheel-dir", tmp_path, shutil.copytree(folder, tmp_path / "c")],
        check=True, env=environment(), capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    found = team.prepare(f"plugin:{wheel}", f"plugin:{folder}")
    assert found["refused"] == ""
    assert plugin_of(found["base"])[2:] == plugin_of(found["head"])[2:] == ["0.1", "0.1"]
    assert set(os.listdir(folder)) == before  # nothing is built in it
    by_version = team.prepare(
        "plugin:ipcbench-packet-pipe==0.1", "plugin:ipcbench-packet-pipe==0.2",
        PIP_FIND_LINKS=str(tmp_path),
    )  # fmt: skip
    assert plugin_of(by_version["base"])[2] == "0.1"
    assert by_version["head"]["python"] == sys.executable  # it is installed here


def test_a_revision_that_cannot_be_built(team: Team) -> None:
    git(team.repository, "checkout", "-q", "-b", "broken")
    text = (team.repository / "pyproject.toml").read_text()
    (team.repository / "pyproject.toml").write_text(text.replace("optional = true", ""))
    (team.repository / "_packets.c").write_text("#error it is not finished\n")
    git(team.repository, "commit", "-q", "-a", "-m", "broken")
    git(team.repository, "checkout", "-q", "main")
    refused = team.prepare("broken", "here")["refused"]
    assert refused.startswith("base (broken): it cannot be built: ")
    assert "it is not finished" in refused
    assert len(refused.splitlines()) == 1
    log = Path(refused.rpartition(" ")[2])
    assert "it is not finished" in log.read_text()
    assert not log.with_suffix("").exists()  # what was begun


def test_what_the_command_does_not_know_is_refused(team: Team, tmp_path: Path) -> None:
    refused = Team(team.repository, tmp_path, team.cache).prepare("v0.1", "v0.1")["refused"]
    assert "the command itself has no packet-pipe" in refused


def test_another_protocol_is_refused(team: Team, tmp_path: Path) -> None:
    """A revision of ipcbench itself, here of a package that has nothing but the protocol."""
    repository = tmp_path / "ipcbench"
    workers = repository / "ipcbench/bench/workers"
    workers.mkdir(parents=True)
    (workers / "job.py").write_text(f"PROTOCOL = {PROTOCOL + 1}\n")
    (repository / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "ipcbench"\nversion = "9.9"\n'
        '[tool.setuptools.packages.find]\ninclude = ["ipcbench*"]\n'
    )
    git(repository, "init", "-q")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "later")
    refused = Team(repository, team.site, team.cache).prepare("here", "HEAD")["refused"]
    assert f"ipcbench 9.9 there has version {PROTOCOL + 1} of the protocol" in refused
    assert refused.startswith("head (HEAD): ")
    assert len(refused.splitlines()) == 1


def test_clean_removes_what_was_built(team: Team, tmp_path: Path) -> None:
    assert team.prepare("v0.1", "here")["refused"] == ""  # one is there, in any order of tests
    cache = shutil.copytree(team.cache, tmp_path / "cache", symlinks=True)
    (cache / "ipcbench/arms").chmod(0o700)
    built = [name for name in os.listdir(cache / "ipcbench/arms") if "." not in name]
    done = ipcbench("clean", "--arms", "--json", XDG_CACHE_HOME=str(cache))
    found = json.loads(done.stdout)
    assert (len(found["removed"]), found["used"]) == (len(built), [])
    assert os.listdir(cache / "ipcbench/arms") == []
    both = ipcbench("clean", "--arms", "--orphans")
    assert both.returncode == 3 and "exclude each other" in both.stderr
