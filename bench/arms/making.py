"""Making of an arm: what its specification needs is found, or built, before it is checked."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from ipcbench.bench.arms import contents
from ipcbench.bench.arms.arm import ArmError
from ipcbench.bench.arms.cache import Entry
from ipcbench.bench.arms.environments import DROPPED, Environment, identity
from ipcbench.bench.arms.programs import Programs
from ipcbench.bench.arms.revisions import PROJECT, Repository, Revision
from ipcbench.bench.arms.specs import (
    AtRevision,
    Here,
    Interpreter,
    PluginFile,
    Release,
    Spec,
    Variables,
)

Note = Callable[[str], None]
Build = Callable[[Environment, Path], None]


@dataclass(frozen=True, slots=True)
class Made:
    """Interpreter and environment of an arm that is not yet checked.

    `projects`: those that must be the arm's own, from below `own`. `tree`: the project's folder
    in the work tree, for an arm at a revision of it.
    """

    executable: str
    described: str
    changes: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    own: Path | None = None
    tree: Path | None = None


class Maker:
    """Maker of arms, whose programs `stop` ends."""

    def __init__(self, note: Note, watch: Callable[[int], None]) -> None:
        self._note = note
        self._programs = Programs(watch)

    def stop(self) -> None:
        """End what runs for the arms."""
        self._programs.stop()

    def make(self, name: str, spec: Spec) -> Made:
        """Make an arm. Raises: ArmError, OSError."""
        match spec:
            case Here():
                return Made(sys.executable, "this interpreter")
            case Variables(changes):
                listed = ", ".join(f"{one}={value}" for one, value in changes.items())
                return Made(sys.executable, f"this interpreter with {listed}", changes)
            case Interpreter(path):
                return self._interpreter(name, path)
            case AtRevision(revision):
                return self._revision(name, revision)
            case Release():
                return self._release(name, spec)
            case PluginFile(path):
                return self._plugin(name, path)

    def _interpreter(self, name: str, path: str) -> Made:
        for each in DROPPED[:2]:
            if each in os.environ:
                self._note(f"{name}: {path} is started without {each}, which is for this one")
        return Made(str(_executable(path)), path, dropped=DROPPED)

    def _revision(self, name: str, wanted: str) -> Made:
        repository = Repository(self._programs, Path.cwd())
        revision = repository.revision(wanted)
        short = revision.commit[:10]
        if revision.changed:
            one = revision.changed == 1
            files = "1 changed file" if one else f"{revision.changed} changed files"
            self._note(f"{name}: {files} of the work tree {'is' if one else 'are'} not in {short}")

        def build(environment: Environment, entry: Path) -> None:
            environment.install(repository.check_out(revision, entry / "source"))

        key = ["revision", revision.commit, str(revision.project)]
        return self._built(
            name, f"commit {short} of {revision.date}", key, build, _project_folder(revision)
        )

    def _release(self, name: str, release: Release) -> Made:
        if _is_installed(release):
            return Made(sys.executable, f"this interpreter with {release.requirement}")

        def build(environment: Environment, entry: Path) -> None:
            environment.install(release.requirement)

        sources = ("PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")
        key = ["release", release.requirement, *(os.environ.get(each, "") for each in sources)]
        return self._built(name, release.requirement, key, build)

    def _plugin(self, name: str, path: Path) -> Made:
        if not path.exists():
            raise ArmError(f"{path} does not exist", "give the path of a folder or a wheel")
        if path.is_dir() and not any((path / one).is_file() for one in PROJECT):
            raise ArmError(f"{path} has no pyproject.toml", "give the folder of a project")

        def build(environment: Environment, entry: Path) -> None:
            if path.is_dir():
                contents.copy(path, entry / "source")
            environment.install(entry / "source" if path.is_dir() else path)

        return self._built(name, str(path), ["file", path.name, contents.digest(path)], build)

    def _built(
        self, name: str, described: str, key: list[str], build: Build, tree: Path | None = None
    ) -> Made:
        """Have an environment built, unless it is in the cache."""
        digest = hashlib.sha256("\0".join([*key, *identity()]).encode(errors="surrogateescape"))
        entry = Entry(digest.hexdigest()[:20])
        environment = Environment(self._programs, entry)

        def whole() -> None:
            self._note(f"{name}: building {described}")
            environment.make()
            build(environment, entry.path)
            shutil.rmtree(entry.path / "source", ignore_errors=True)

        entry.claim(whole, self._programs.is_stopped)
        return Made(
            str(environment.python),
            described,
            dropped=DROPPED,
            projects=tuple(environment.installed()),
            own=environment.folder,
            tree=tree,
        )


def _is_installed(release: Release) -> bool:
    """Tell whether this interpreter has it.

    An editable one may have changed since, under the same version: direct_url.json, PEP 610.
    """
    try:
        here = distribution(release.name)
    except PackageNotFoundError:
        return False
    origin = here.read_text("direct_url.json") or ""
    return here.version == release.version and '"editable"' not in origin


def _project_folder(revision: Revision) -> Path:
    return revision.repository / revision.project


def _executable(path: str) -> Path:
    """Return an interpreter's path: a file's, that in a virtual environment, or one on PATH.

    Links are not followed: that in a virtual environment makes it one. Raises: ArmError.
    """
    given = Path(path).expanduser()
    found = shutil.which(path) if given.name == path and not given.exists() else None
    chosen = Path(found) if found else given.absolute()
    if chosen.is_dir():
        chosen = chosen / "bin/python"
    if not chosen.is_file() or not os.access(chosen, os.X_OK):
        raise ArmError(
            f"{chosen} is no program", "give the path of an interpreter, or of its environment"
        )
    return chosen
