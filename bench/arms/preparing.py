"""Preparation of the two arms: their interpreters and environments, checked before any pair."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ipcbench.bench.arms.arm import BASE, HEAD, Arm, ArmError, changed
from ipcbench.bench.arms.description import Description, ask
from ipcbench.bench.arms.specs import Here, Spec, Variables, parsed
from ipcbench.bench.workers.job import PROTOCOL

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Made:
    """Interpreter and environment of an arm that is not yet checked."""

    executable: str
    described: str
    changes: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


def prepare(base: str, head: str, note: Note) -> tuple[Arm, Arm]:
    """Prepare both arms and check them; `note` takes lines about what is done.

    Raises: ArmError.
    """
    specs = {BASE: parsed(BASE, base), HEAD: parsed(HEAD, head)}
    return _arm(BASE, base, _made(specs[BASE])), _arm(HEAD, head, _made(specs[HEAD]))


def _made(spec: Spec) -> Made:
    match spec:
        case Here():
            return Made(sys.executable, "this interpreter")
        case Variables(changes):
            listed = ", ".join(f"{name}={value}" for name, value in changes.items())
            return Made(sys.executable, f"this interpreter with {listed}", changes)


def _arm(name: str, spec: str, made: Made) -> Arm:
    """Ask the arm for its ipcbench. Raises: ArmError."""
    try:
        found = ask(made.executable, changed(made.changes, made.dropped))
    except ArmError as error:
        raise ArmError(f"{name} ({spec}): {error}", error.remedy) from error
    _check(name, spec, found)
    return Arm(
        name=name,
        spec=spec,
        described=f"{made.described}: {_summary(found)}",
        executable=made.executable,
        changes=made.changes,
        dropped=made.dropped,
        digest=_digest(found, made),
        version=found.version,
        python=found.interpreter,
        protocol=found.protocol,
        package=found.package,
    )


def _check(name: str, spec: str, found: Description) -> None:
    if found.failure:
        raise ArmError(
            f"{name} ({spec}): its interpreter has no ipcbench that can be used: {found.failure}",
            "install ipcbench with its dependencies there",
        )
    if found.protocol != PROTOCOL:
        raise ArmError(
            f"{name} ({spec}) is ipcbench {found.version} with version {found.protocol} of the "
            f"protocol, and the command has version {PROTOCOL}",
            "compare versions that have the same one",
        )


def _summary(found: Description) -> str:
    parts = [f"ipcbench {found.version}", *map(str, found.plugins), f"Python {found.interpreter}"]
    return ", ".join(parts)


def _digest(found: Description, made: Made) -> str:
    parts = [found.python, found.code, *(f"{one} {one.code}" for one in found.plugins)]
    parts += [f"{name}={value}" for name, value in sorted(made.changes.items())]
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()[:16]
