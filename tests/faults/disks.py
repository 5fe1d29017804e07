"""Small disks, mounted in a private namespace that ends with its shell."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.e2e.command import DEADLINE, environment

COMMAND = f'"{sys.executable}" -m ipcbench'

# `ipcbench` in a script; `runs FOLDER N` waits until a journal has so many runs.
_PRELUDE = f"""
ipcbench() {{ {COMMAND} "$@"; }}
runs() {{
  for _ in $(seq 2000); do
    [ "$(grep -c '"kind":"run"' "$1/journal.jsonl" 2>&-)" -ge "$2" ] 2>&- && return
    sleep 0.01
  done
  echo "$2 runs did not appear in time" >&2
  exit 99
}}
"""
_NAMESPACES = (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount"))


def _run(namespace: tuple[str, ...], script: str, *arguments: str | Path) -> list[str]:
    return [*namespace, "bash", "-c", script, "bash", *map(str, arguments)]


@cache
def _namespace() -> tuple[str, ...]:
    """Find a way to mount privately: as root, or in a user namespace (unshare(1))."""
    for one in _NAMESPACES if shutil.which("unshare") else ():
        tried = subprocess.run(_run(one, "mount -t tmpfs tmpfs /mnt"), capture_output=True)
        if tried.returncode == 0:
            return one
    pytest.skip("no tmpfs can be mounted in a private namespace here (unshare(1), mount(8))")


def in_private(
    script: str, *arguments: str | Path, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a shell script that can call `ipcbench`; no other process sees its mounts."""
    return subprocess.run(
        _run(_namespace(), _PRELUDE + script, *arguments),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(**more),
    )


def error_lines(stderr: str) -> list[str]:
    """Extract the errors from a command's standard error, without the lines of progress."""
    return [line for line in stderr.splitlines() if not line.lstrip()[:1].isdigit()]
