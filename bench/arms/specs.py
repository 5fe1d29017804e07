"""Specifications of arms, as the command line takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ipcbench.bench.arms.arm import ArmError

FORMS = (
    "here, a revision (rev:main), python:PATH, plugin:NAME==VERSION, plugin:PATH or "
    "env:NAME=VALUE,…"
)
OWN = ("IPCBENCH_LEDGER", "PYTHONSAFEPATH")  # set by the command, for its own processes
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_NEXT = re.compile(r",(?=[A-Za-z_][A-Za-z0-9_]*=)")
_RELEASE = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[A-Za-z0-9._,-]*\])?==(?P<version>[A-Za-z0-9.!+_-]+)"
)
_KIND = re.compile(r"[a-z]+:")


@dataclass(frozen=True, slots=True)
class Here:
    """The interpreter that runs the command, as it is."""


@dataclass(frozen=True, slots=True)
class Variables:
    """The same with variables of the environment that are set."""

    changes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Another interpreter, with an ipcbench of its own."""

    path: str


@dataclass(frozen=True, slots=True)
class AtRevision:
    """The project of the working directory at a git revision."""

    name: str


@dataclass(frozen=True, slots=True)
class Release:
    """A version of a plug-in that pip can install."""

    requirement: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class PluginFile:
    """A plug-in in a folder, or in a wheel."""

    path: Path


Spec = Here | Variables | Interpreter | AtRevision | Release | PluginFile


def parsed(name: str, spec: str) -> Spec:
    """Parse a specification; `name`: of its arm. Raises: ArmError."""
    kind, colon, text = spec.partition(":")
    if spec == "here":
        return Here()
    if not spec.strip() or "\0" in spec or (colon and not text):
        raise ArmError(f"--{name} {spec!r} is no arm", f"give {FORMS}")
    match f"{kind}{colon}":
        case "env:":
            return Variables(_variables(name, spec, text))
        case "rev:":
            return AtRevision(text)
        case "python:":
            return Interpreter(text)
        case "plugin:":
            return _plugin(name, spec, text)
    if _KIND.match(spec):  # no name of a revision has a colon: git-check-ref-format(1)
        raise ArmError(f"--{name} {spec!r} is no arm", f"give {FORMS}")
    return AtRevision(spec)


def _variables(name: str, spec: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in _NEXT.split(text):
        assignment = _ASSIGNMENT.fullmatch(part)
        if assignment is None:
            raise ArmError(f"--{name} {spec!r} sets no variable", "give env:NAME=VALUE,…")
        variable, value = assignment.groups()
        if variable in OWN:
            raise ArmError(
                f"--{name} {spec!r}: {variable} is set by the command itself", "leave it out"
            )
        if variable in found:
            raise ArmError(f"--{name} {spec!r} sets {variable} twice", "leave one out")
        found[variable] = value
    return found


def _plugin(name: str, spec: str, text: str) -> Release | PluginFile:
    release = _RELEASE.fullmatch(text)
    if release is not None:
        return Release(text, release["name"], release["version"])
    path = Path(text).expanduser().absolute()
    if path.is_dir() or path.suffix == ".whl":
        return PluginFile(path)
    raise ArmError(
        f"--{name} {spec!r}: {text} is no NAME==VERSION, no folder and no wheel",
        "give one whole version, as plugin:NAME==1.2, or a path",
    )
