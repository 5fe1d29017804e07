"""Play the native runtime's tests under sanitizers: `python -m tests.sanitize --help`.

The parts of the package are built once more, in a copy, so that the build that is in use stays
what it is. Whatever a sanitizer finds, in whichever process, is written to a file: where a test
expects a process to die, its death would hide the finding.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from ipcbench.bench.workers.process import die_with

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "build/sanitized"
COPY = PLACE / "copy"
FOUND = PLACE / "found"
PATIENCE = 1200  # seconds for one of the runs

# Python's own flags, which come first, may say what a signed overflow does: here it is an error.
# What is undefined traps, and AddressSanitizer tells of it: beside that one, the other library
# does not heed its log_path, and pytest would swallow what it says.
FLAGS = (
    "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
    "-fsanitize-undefined-trap-on-error", "-fno-wrapv", "-g", "-O1", "-fno-omit-frame-pointer",
)  # fmt: skip
LIBRARIES = ("libasan.so", "libstdc++.so.6")  # the last one: numpy's exceptions

# One for each builder of operations, and each way in which a ring waits.
KINDS = (
    "pipe", "unix-stream", "unix-dgram", "sysv-queue", "posix-queue",
    "shm:posix+posix-sem", "shm:posix+sysv-sem", "shm:posix+eventfd", "shm:posix+futex",
    "shm:posix+spin", "shm:posix+spin-block", "shm:posix+posix-sem/in-place",
    "shm:posix+spin/in-place", "posix-sem", "sysv-sem", "eventfd", "futex", "signal", "flock",
    "lockf", "unguarded", "null",
)  # fmt: skip
LOOPS = (
    "tests/unit/bench/test_native_loops.py", "tests/unit/transports/test_leaving.py",
    "tests/contract/test_mixed_runtimes.py", "tests/e2e/test_native_sweep.py",
    "tests/faults/test_native_cells.py", "tests/native/test_comparisons.py",
    "tests/native/test_lengths.py", "tests/native/test_bad_arguments.py",
    "tests/unit/transports/test_native_again.py", "tests/unit/transports/test_listening.py",
    "tests/native/test_rings.py::test_a_ring_between_processes",
    "tests/native/test_leaks.py::test_nothing_is_left",
    "tests/native/test_calls.py", "tests/native/test_many_at_once.py",
    "tests/contract/test_unordered.py",
)  # fmt: skip
RING = "tests/native/test_ring_proof.py"  # its harness is built with ThreadSanitizer, always


class Impossible(Exception):
    """Nothing can be checked here."""


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.sanitize")
    options.add_argument("-k", default="", dest="only", help="as pytest's")
    only = options.parse_args().only
    try:
        libraries = _libraries()
        _built()
    except Impossible as reason:
        print(f"sanitize: {reason}", file=sys.stderr)
        sys.exit(3)
    contract = [f"tests/contract/test_contract.py::Test-{name}" for name in KINDS]
    played = [
        _play(LOOPS, only, libraries),
        _play(contract, f"native and ({only})" if only else "native", libraries),
        _play([RING], only),
    ]
    findings = sorted(FOUND.iterdir())
    for finding in findings:
        print(f"\n{finding.relative_to(ROOT)}\n{finding.read_text(errors='replace')}")
    print(f"sanitize: {len(findings)} findings; tests {'passed' if all(played) else 'FAILED'}")
    sys.exit(0 if all(played) and not findings else 1)


def _compiler() -> str:
    for name in (os.environ.get("CC", ""), "cc", "gcc"):
        if name and shutil.which(name):
            return name
    raise Impossible("there is no C compiler: apt-get install gcc")


def _libraries() -> str:
    """What is loaded before Python: the modules are sanitized, and the interpreter is not.

    Raises: Impossible where something of it, or of ThreadSanitizer, is missing.
    """
    found = []
    for name in (*LIBRARIES, "libtsan.so"):
        told = subprocess.run(
            [_compiler(), f"-print-file-name={name}"], capture_output=True, text=True, check=True
        )
        path = Path(told.stdout.strip())
        if not path.is_absolute():
            raise Impossible(f"the compiler has no {name}: apt-get install gcc, or set CC=gcc")
        found.append(str(path.resolve()))
    return " ".join(found[: len(LIBRARIES)])


def _built() -> None:
    """Copy the tree and build the modules in it. Raises: Impossible."""
    shutil.rmtree(PLACE, ignore_errors=True)
    FOUND.mkdir(parents=True)
    leftovers = shutil.ignore_patterns("__pycache__", "*.so")
    for folder in ("transports", "bench", "reports", "ipcbench", "tests"):
        shutil.copytree(ROOT / folder, COPY / folder, ignore=leftovers, symlinks=True)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, COPY)
    done = subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"],
        cwd=COPY,
        env=os.environ | {"CI": "1", "IPCBENCH_CFLAGS": " ".join(FLAGS)},
        check=False,
    )
    if done.returncode:
        raise Impossible("it does not compile: see above")


def _play(nodes: list[str] | tuple[str, ...], only: str, preloaded: str = "") -> bool:
    """Whether the tests pass, with these libraries loaded before Python."""
    log = f"log_path={FOUND}/finding"
    with tempfile.TemporaryDirectory(prefix="ipcb-") as place:
        env = os.environ | {
            "PYTHONPATH": str(COPY),
            "PYTHONMALLOC": "malloc",  # whose blocks AddressSanitizer watches, Python's too
            "CI": "1",  # the native runtime must be there
            "IPCBENCH_SOAK": "1",  # no sample
            "TMPDIR": place,
        }
        if preloaded:
            env |= {
                "LD_PRELOAD": preloaded,
                "ASAN_OPTIONS": f"detect_leaks=0:handle_sigill=2:{log}",  # Python keeps its own
            }
        words = ["-q", "-p", "no:cacheprovider", *(["-k", only] if only else [])]
        # Its thread may hold AddressSanitizer's lock as a test forks, and the child waits for ever.
        words += ["-o", "faulthandler_timeout=0"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words, *nodes],
            cwd=COPY,
            env=env,
            check=False,
            timeout=PATIENCE,
            preexec_fn=partial(die_with, os.getpid()),
        )
    return done.returncode in (0, 5 if only else 0)  # 5: `only` picks none of these


if __name__ == "__main__":
    main()
