"""Harnesses in C that run compiled parts between threads, under ThreadSanitizer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def sanitized(source: str, headers: Path, folder: Path) -> list[str]:
    """Compile a harness of this folder into another one; return the command that runs it.

    Args:
        source: the file's name.
        headers: the folder of the compiled part's headers.
        folder: the folder of the program.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    program = folder / Path(source).stem
    command = [
        # ThreadSanitizer does not see a memcpy(3) that the compiler has inlined.
        compiler, "-fno-builtin-memcpy", "-std=gnu11", "-g", "-O1", "-fsanitize=thread",
        "-fno-strict-aliasing", "-Wall", "-Wextra", "-Werror", f"-I{headers}",
        "-o", str(program), str(HERE / source), "-lpthread",
    ]  # fmt: skip
    built = subprocess.run(command, capture_output=True, text=True)
    if built.returncode:
        assert "tsan" in built.stderr, built.stderr
        pytest.skip("ThreadSanitizer is not installed: apt-get install libtsan2")
    # Its shadow memory has fixed addresses, which a randomised layout may occupy.
    fixed = shutil.which("setarch")
    return [*([fixed, "-R"] if fixed else []), str(program)]
