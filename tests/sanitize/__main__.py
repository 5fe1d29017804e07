"""Run the native runtime's tests under sanitizers: `python -m tests.sanitize --help`.

The compiled parts are built in a copy of the tree, so that the build in use does not change.
Sanitizers write their findings to files, because the death of a process is no evidence: some
tests expect it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ipcbench.bench.workers.process import die_with
from tests import namespaces

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "build/sanitized"
COPY = PLACE / "copy"
FOUND = PLACE / "found"
NONE_CHOSEN = 5  # pytest's exit code
PARTS = 4  # of the contract, each a run
TIME_LIMIT = 1800  # seconds for a run

# Python's own flags come first and may define signed overflow (-fwrapv): here it is an error.
# Undefined behaviour traps, and AddressSanitizer reports the trap: together with it, the library
# of UndefinedBehaviorSanitizer ignores log_path, and pytest would capture its output.
FLAGS = (
    "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
    "-fsanitize-undefined-trap-on-error", "-fno-wrapv", "-g", "-O1", "-fno-omit-frame-pointer",
)  # fmt: skip
LIBRARIES = ("libasan.so", "libstdc++.so.6")  # the second one for numpy's exceptions

CONTRACT = "tests/contract/test_contract.py"
# One transport for each builder of operations and each way in which a ring waits.
KINDS = (
    "pipe", "unix-stream", "unix-dgram", "unix-seqpacket", "socketpair:dgram", "sysv-queue",
    "posix-queue", "shm:posix+posix-sem", "shm:posix+sysv-sem", "shm:posix+eventfd",
    "shm:posix+futex", "shm:posix+spin", "shm:posix+spin-block", "shm:posix+posix-sem/in-place",
    "shm:posix+spin/in-place", "posix-sem", "sysv-sem", "eventfd", "futex", "signal", "flock",
    "lockf", "unguarded", "null", "pthread-cond", "pthread-mutex", "robust-mutex", "futex-mutex",
    "spin-lock", "shm:posix+pthread-cond", "memfd-passed", "memfd-passed/in-place", "memfd-pool",
    "memfd-pool/in-place", "process-vm", "vmsplice", "latest:seqlock", "latest:buffers",
    "file-read", "file-pread", "file-map", "file-map:anew",
)  # fmt: skip
LOOPS = (
    "tests/unit/bench/test_native_loops.py", "tests/unit/bench/test_pause.py",
    "tests/unit/bench/test_file.py", "tests/unit/bench/test_distances.py",
    "tests/unit/transports/test_child_exit.py",
    "tests/contract/test_mixed_runtimes.py", "tests/e2e/test_native_sweep.py",
    "tests/faults/test_native_cells.py", "tests/native/test_comparisons.py",
    "tests/native/test_lengths.py", "tests/native/test_bad_arguments.py",
    "tests/unit/transports/test_native_twice.py", "tests/unit/transports/test_sigchld_handler.py",
    "tests/native/test_rings.py::test_a_ring_between_processes",
    "tests/native/test_leaks.py::test_nothing_is_left",
    "tests/native/test_calls.py", "tests/native/test_reentrance.py",
    "tests/native/test_native_check.py", "tests/native/test_batches.py",
    "tests/unit/bench/test_batches.py", "tests/unit/bench/test_latest.py",
    "tests/contract/test_unordered.py", "tests/unit/transports/test_passing.py",
    "tests/unit/transports/test_memory_waiter.py",
    "tests/native/test_exclusion.py::test_a_check", "tests/native/test_fresh.py::test_a_check",
)  # fmt: skip
# They build their harnesses with ThreadSanitizer in any case.
THREADS = (
    "tests/native/test_ring_proof.py", "tests/native/test_mutex_threads.py",
    "tests/native/test_newest_threads.py",
)  # fmt: skip


class Impossible(Exception):
    """A missing requirement of the checks."""


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.sanitize")
    options.add_argument("-k", default="", dest="only", help="like -k of pytest")
    only = options.parse_args().only
    try:
        libraries = _libraries()
        _built()
    except Impossible as reason:
        print(f"sanitize: {reason}", file=sys.stderr)
        sys.exit(3)
    runs = [Run("loops", LOOPS, only, libraries, bool(only))]
    for part in range(PARTS):
        nodes = tuple(
            f"tests/contract/test_contract.py::Test-{name}" for name in KINDS[part::PARTS]
        )
        native = f"native and ({only})" if only else "native"
        runs.append(Run(f"contract {part + 1}", nodes, native, libraries, bool(only)))
    runs.append(Run("threads", THREADS, only, may_be_empty=bool(only)))
    # Each has kernel objects of its own, or they follow each other.
    at_once = len(os.sched_getaffinity(0)) if namespaces.possible() else 1
    passed = []
    with ThreadPoolExecutor(at_once) as pool:
        for future in as_completed([pool.submit(one.play) for one in runs]):
            ok, text = future.result()
            passed.append(ok)
            print(text, flush=True)
    findings = sorted(FOUND.iterdir())
    for finding in findings:
        print(f"\n{finding.relative_to(ROOT)}\n{finding.read_text(errors='replace')}")
    print(f"sanitize: {len(findings)} findings; tests {'passed' if all(passed) else 'FAILED'}")
    sys.exit(0 if all(passed) and not findings else 1)


def _compiler() -> str:
    for name in (os.environ.get("CC", ""), "cc", "gcc"):
        if name and shutil.which(name):
            return name
    raise Impossible("there is no C compiler: apt-get install gcc")


def _libraries() -> str:
    """Find the libraries to preload, since the interpreter itself is not instrumented.

    Raises: Impossible if one of them, or ThreadSanitizer's library, is missing.
    """
    found = []
    for name in (*LIBRARIES, "libtsan.so"):
        found_path = subprocess.run(
            [_compiler(), f"-print-file-name={name}"], capture_output=True, text=True, check=True
        )
        path = Path(found_path.stdout.strip())
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
        raise Impossible("the build fails: see above")


@dataclass(frozen=True)
class Run:
    """Tests for one process of pytest.

    Attributes:
        name: for the output.
        nodes: the tests.
        only: an expression that chooses some of them (`-k` of pytest), or "".
        preloaded: libraries that are loaded before Python.
        may_be_empty: the user's choice may leave none of them.
    """

    name: str
    nodes: tuple[str, ...]
    only: str
    preloaded: str = ""
    may_be_empty: bool = False

    def play(self) -> tuple[bool, str]:
        """Run the tests; return whether they pass, and what there is to say."""
        with tempfile.TemporaryDirectory(prefix="ipcb-") as place:
            try:
                done = subprocess.run(
                    [sys.executable, "-m", "pytest", *self._options(), *self.nodes],
                    cwd=COPY,
                    env=self._environment(place),
                    check=False,
                    timeout=TIME_LIMIT,
                    preexec_fn=partial(_apart, os.getpid()),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            except subprocess.TimeoutExpired:
                return False, f"{self.name}: not at its end after {TIME_LIMIT} s"
        ok = done.returncode in (0, *((NONE_CHOSEN,) if self.may_be_empty else ()))
        shown = done.stdout.splitlines()[-1:] if ok else [done.stdout]
        return ok, f"{self.name}: {''.join(shown)}"

    def _options(self) -> list[str]:
        options = ["-q", "-p", "no:cacheprovider", *(["-k", self.only] if self.only else [])]
        # If a test forks while faulthandler's thread has AddressSanitizer's lock, the child hangs.
        return [*options, "-o", "faulthandler_timeout=0"]

    def _environment(self, place: str) -> dict[str, str]:
        env = os.environ | {
            "PYTHONPATH": str(COPY),
            "PYTHONMALLOC": "malloc",  # so that AddressSanitizer sees Python's blocks
            "CI": "1",  # the native runtime must be there
            "IPCBENCH_SOAK": "1",  # all tests, not a sample
            "TMPDIR": place,
        }
        if self.preloaded:
            env |= {
                "LD_PRELOAD": self.preloaded,
                # Python does not free all.
                "ASAN_OPTIONS": f"detect_leaks=0:handle_sigill=2:log_path={FOUND}/finding",
            }
        return env


def _apart(parent: int) -> None:
    """Prepare a child: it dies with us, and has namespaces of its own where it may."""
    die_with(parent)
    if namespaces.possible():
        namespaces.enter()


if __name__ == "__main__":
    main()
