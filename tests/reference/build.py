"""Compilation of the references: once for each version of a source."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
CACHE = FOLDER.parents[1] / "build" / "reference"
FLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror")
LIBRARIES = ("-lrt", "-lpthread")  # glibc has them in itself since 2.34
NAMES = sorted(path.stem for path in FOLDER.glob("*.c"))


class NoCompiler(Exception):
    """There is no C compiler."""


class DoesNotCompile(Exception):
    """The compiler failed; the text is its output."""


@cache
def compiler() -> list[str]:
    """Return the compiler's command. Raises: NoCompiler."""
    named = shlex.split(os.environ.get("CC", ""))
    for command in [named] if named else [["cc"], ["gcc"], ["clang"]]:
        if shutil.which(command[0]):
            return command
    what = f"no compiler is called {named[0]!r}" if named else "there is no C compiler"
    raise NoCompiler(f"{what}: apt install gcc, or set CC")


def reference(name: str) -> Path:
    """Return the program of a name. Raises: NoCompiler, DoesNotCompile."""
    return compiled(FOLDER / f"{name}.c")


def compiled(source: Path) -> Path:
    """Compile a source with the headers of the references. Raises: as `reference`."""
    parts = [*compiler(), *FLAGS, *LIBRARIES]
    state = hashlib.sha256("\0".join(parts).encode())
    for path in (source, *sorted(FOLDER.glob("*.h"))):
        state.update(path.read_bytes())
    program = CACHE / state.hexdigest()[:16] / source.stem
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            fresh = Path(folder) / source.stem
            _compile(source, fresh)
            fresh.replace(program)  # several may compile at once: each finds a whole program
    return program


def _compile(source: Path, program: Path) -> None:
    paths = [f"-I{FOLDER}", "-o", str(program), str(source)]
    command = [*compiler(), *FLAGS, *paths, *LIBRARIES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    if done.returncode:
        raise DoesNotCompile(f"{source.name}: {done.stderr.strip()}")
