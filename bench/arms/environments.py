"""Environments that are built for an arm: a virtual environment before that of the command.

It has what is installed for the arm in its own site-packages, which come first on the path,
and behind them the folders of the running environment, from which the dependencies come. So a
project that is installed in both is the arm's: Python imports the first module on its path,
and importlib.metadata takes the first distribution of a name.
"""

from __future__ import annotations

import importlib.util
import os
import site
import subprocess
import sys
import venv
from pathlib import Path

from ipcbench.bench.arms.arm import ArmError, changed
from ipcbench.bench.arms.cache import Entry
from ipcbench.bench.arms.programs import Failed, Programs
from ipcbench.bench.arms.revisions import NAMES

# They would put other code before that of the arm.
DROPPED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
# They would install elsewhere: pip(1).
_PIP = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PYTHONSAFEPATH")
# What pip says where a build tool or a dependency is not installed here.
_TO_DOWNLOAD = (
    "No matching distribution", "Could not find a version", "build dependencies",
    "BackendUnavailable", "Cannot import", "No module named 'setuptools'",
    # An older build tool than the project asks for; pip 23 starts it before it checks that.
    "Getting requirements to build wheel did not run successfully",
)  # fmt: skip
ISOLATED = "pip-build-env-"  # pip/_internal/build_env.py names folders so, and has PYTHONPATH
BEHIND = "zz_ipcbench_arm.pth"  # read after those of what is installed


class Environment:
    """A virtual environment in an entry of the cache."""

    def __init__(self, programs: Programs, entry: Entry) -> None:
        self._programs = programs
        self._entry = entry
        self.folder = entry.path / "env"
        self.python = self.folder / "bin/python"

    def make(self) -> None:
        """Make it, with the running environment behind it. Raises: OSError, ArmError."""
        own_pip = importlib.util.find_spec("pip") is None
        try:
            venv.EnvBuilder(symlinks=True, with_pip=own_pip).create(self.folder)
        except subprocess.CalledProcessError as error:  # Debian has ensurepip in python3-venv
            raise ArmError(
                f"it cannot be built: {sys.executable} has neither pip nor ensurepip",
                "install pip for it",
            ) from error
        (self._site() / BEHIND).write_text(_behind())

    def _site(self) -> Path:
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def install(self, *what: str | Path) -> None:
        """Install a project or a wheel, without the network if that can be.

        Raises: ArmError.
        """
        offline = ("--no-index", "--no-build-isolation", "--check-build-dependencies")
        try:
            self._pip(*offline, *what)
        except Failed as failure:
            if not any(each in failure.output for each in _TO_DOWNLOAD):
                raise self._refused(failure) from failure
            try:
                self._pip("--retries", "1", "--timeout", "10", *what)
            except Failed as other:
                raise self._refused(_telling(failure, other)) from other

    def _pip(self, *arguments: str | Path) -> str:
        command: list[str | Path] = [
            self.python,
            "-m",
            "pip",
            "--no-input",
            "--disable-pip-version-check",
        ]
        command += ["install", "--no-warn-script-location", *arguments]
        environment = changed({}, DROPPED + _PIP + NAMES)
        return self._programs.run(
            command, cwd=self._entry.path, environment=environment, keep=[self._entry.lock]
        )

    def _refused(self, failure: Failed) -> ArmError:
        self._entry.log.write_text(failure.output)
        return ArmError(
            f"it cannot be built: {failure}", f"the whole output is in {self._entry.log}"
        )

    def installed(self) -> list[str]:
        """List the projects that are installed in it, without those behind it."""
        from importlib.metadata import distributions

        return [each.name for each in distributions(path=[str(self._site())])]


def _telling(offline: Failed, online: Failed) -> Failed:
    """Choose the failure to report: the first, where the second says only that pip found nothing.

    The output of both is kept.
    """
    found_nothing = "No matching distribution" in online.output
    built = "No matching distribution" not in offline.output
    output = f"{online.output}\n{offline.output}"
    chosen = offline if found_nothing and built else online
    return Failed(output, str(chosen))


def behind() -> tuple[list[str], list[str]]:
    """Return the entries of PYTHONPATH, and the site-packages folders of this interpreter."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = [os.path.abspath(each) for each in given if each]  # noqa: PTH100
    sites = [*site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        sites.insert(0, site.getusersitepackages())
    return path, sites


def _behind() -> str:
    """Return a .pth file that adds them. `addsitedir` reads the .pth files there: site.

    An editable installation is such a file. A build that pip isolates takes its tools from a
    folder of its own, which pip appends to the path: older ones would come before them.
    """
    path, sites = behind()
    isolated = f"{ISOLATED!r} in os.environ.get('PYTHONPATH', '')"
    added = f"sys.path.extend({path!r}), list(map(site.addsitedir, {sites!r}))"
    return f"import os, site, sys; {isolated} or ({added})\n"


def identity() -> list[str]:
    """Return what a built environment depends on, besides what is installed in it."""
    path, sites = behind()
    flags = (
        "CC", "CFLAGS", "CPPFLAGS", "CXX", "CXXFLAGS", "LDFLAGS", "LDSHARED", "ARCHFLAGS",
        "CMAKE_ARGS", "RUSTFLAGS", "IPCBENCH_CFLAGS", "CI",
    )  # fmt: skip
    interpreter = [sys.version, os.path.realpath(sys.executable), sys.prefix]
    return [*interpreter, *path, *sites, *(f"{each}={os.environ.get(each)}" for each in flags)]
