"""An arm of a comparison: the interpreter and the environment that its fork servers start with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from ipcbench.bench.errors import BenchError

BASE, HEAD = "base", "head"


class ArmError(BenchError):
    """An arm that cannot be prepared; one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm that is ready to be played.

    Args:
        name: "base" or "head".
        spec: as it was given: `rev:main`.
        described: the same for a reader: `commit 1a2b3c4 (main), ipcbench 0.1.0`.
        executable: the interpreter of its fork servers.
        changes: the variables that its environment has besides, or instead of, the command's.
        dropped: the command's variables that its environment does not have.
        digest: of the code that measures, of the interpreter and of these changes.
        version: of ipcbench.
        python: version and implementation of the interpreter.
        protocol: version of the messages between command and fork server.
        package: the folder of its ipcbench.
    """

    name: str
    spec: str
    described: str
    executable: str
    digest: str
    version: str
    python: str
    protocol: int
    changes: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    package: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a fork server that starts now: the command's, changed."""
        return changed(self.changes, self.dropped)


def changed(changes: Mapping[str, str], dropped: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the environment of this process with these changes."""
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, **changes}
