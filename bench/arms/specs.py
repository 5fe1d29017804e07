"""Specifications of arms, as the command line takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ipcbench.bench.arms.arm import ArmError

FORMS = "here, rev:REVISION, python:PATH, plugin:NAME==VERSION or env:NAME=VALUE,…"
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_NEXT = re.compile(r",(?=[A-Za-z_][A-Za-z0-9_]*=)")
OWN = ("IPCBENCH_LEDGER", "PYTHONSAFEPATH")  # set by the command, for its own processes


@dataclass(frozen=True, slots=True)
class Here:
    """The interpreter that runs the command, as it is."""


@dataclass(frozen=True, slots=True)
class Variables:
    """The same with variables of the environment that are set."""

    changes: Mapping[str, str]


Spec = Here | Variables


def parsed(name: str, spec: str) -> Spec:
    """Parse a specification; `name`: of its arm. Raises: ArmError."""
    kind, colon, text = spec.partition(":")
    if spec == "here":
        return Here()
    if colon and kind == "env":
        return Variables(_variables(name, spec, text))
    raise ArmError(f"--{name} {spec!r} is no arm", f"give {FORMS}")


def _variables(name: str, spec: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in _NEXT.split(text):
        assignment = _ASSIGNMENT.fullmatch(part)
        if assignment is None or "\0" in part:
            raise ArmError(f"--{name} {spec!r} sets no variable", "give env:NAME=VALUE,…")
        variable, value = assignment.groups()
        if variable in OWN:
            raise ArmError(
                f"--{name} {spec!r}: {variable} is set by the command itself",
                "leave it out",
            )
        if variable in found:
            raise ArmError(f"--{name} {spec!r} sets {variable} twice", "leave one out")
        found[variable] = value
    return found
