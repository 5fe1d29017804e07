"""Description of an interpreter's ipcbench, as that interpreter gives it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ipcbench.bench.arms.arm import ArmError
from ipcbench.bench.arms.programs import reason_of

PROGRAM = Path(__file__).with_name("describe.py")
ANSWER_TIME = 60.0  # seconds: on a loaded machine, with nothing in the page cache


class Plugin(msgspec.Struct, frozen=True, kw_only=True):
    """A project that has transports."""

    project: str
    version: str
    names: list[str]
    where: str
    code: str
    newer: str = ""

    def __str__(self) -> str:
        return f"{self.project} {self.version}"


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of an interpreter: see `describe.py`."""

    python: str
    prefix: str
    failure: str
    version: str
    package: str
    protocol: int
    native: str
    code: str
    newer: str
    plugins: list[Plugin]

    @property
    def interpreter(self) -> str:
        """Version of the interpreter: `3.11.7`."""
        return self.python.partition(" ")[0]

    def plugin(self, project: str) -> Plugin | None:
        """Return the plug-in of a project; None: it has none."""
        wanted = canonical(project)
        return next((one for one in self.plugins if canonical(one.project) == wanted), None)


_descriptions: msgspec.json.Decoder[Description] = msgspec.json.Decoder(Description)


def canonical(project: str) -> str:
    """Return the form in which names of projects are compared: PEP 503."""
    return re.sub(r"[-_.]+", "-", project).lower()


def ask(executable: str, environment: Mapping[str, str]) -> Description:
    """Ask an interpreter. Raises: ArmError, if it does not run or does not answer."""
    try:
        done = subprocess.run(
            [executable, "-c", PROGRAM.read_text()],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_TIME,
            check=False,
        )
    except (OSError, ValueError) as error:
        raise ArmError(
            f"{executable} cannot be run: {getattr(error, 'strerror', error)}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ArmError(f"{executable} does not answer within {ANSWER_TIME:.0f} s") from error
    try:
        return _descriptions.decode(done.stdout.splitlines()[-1])
    except (IndexError, ValueError) as error:
        output = done.stderr.decode(errors="replace")
        reason = reason_of(output) if output.strip() else f"it exits with {done.returncode}"
        raise ArmError(
            f"{executable} does not say which ipcbench it has: {reason}",
            "give the path of Python 3.11 or later",
        ) from error
