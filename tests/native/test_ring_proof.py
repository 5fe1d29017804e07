"""Tests of the word ring: all orders of its steps in a model, its code under ThreadSanitizer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ipcbench.transports.native import header
from tests import sampling
from tests.native import breaks
from tests.native.interleavings import Lost, Ring, Torn, explore

HERE = Path(__file__).parent

# Steps that ring.pml can leave out: a process then sleeps for ever, or a message is torn.
TEAR = ("HEAD_FIRST", "NO_LIMIT")
LEFT_OUT = ("NO_SENDERS_FENCE", "NO_RECEIVERS_FENCE", "NO_SECOND_LOOK", "NO_CHANGE", *TEAR)


RINGS = [
    Ring(depth=1, messages=3),
    Ring(depth=2, messages=4),
    Ring(depth=3, messages=4),
    Ring(depth=1, messages=1, lanes=2),
]
LARGE = [Ring(depth=depth, messages=2, lanes=2) for depth in (1, 2)]  # slots are used again


@pytest.mark.parametrize(
    "ring",
    [*RINGS, *(LARGE if sampling.SOAK else [])],
    ids=lambda ring: f"{ring.depth} slots, {ring.messages} messages, {ring.lanes} lanes",
)
def test_no_order_loses_or_tears_a_message(ring: Ring) -> None:
    assert explore(ring) > 100


@pytest.mark.parametrize(
    ("without", "happens"),
    [
        ("sender's fence", Lost),
        ("receiver's fence", Lost),
        ("second look", Lost),
        ("wake-up's change", Lost),
        ("release", Torn),
        ("free slots", Lost),
    ],
)
def test_each_step_of_the_model_is_needed(without: str, happens: type[Exception]) -> None:
    with pytest.raises(happens):
        explore(Ring(depth=1, messages=3, without=frozenset({without})))


def test_promela(tmp_path: Path) -> None:
    """A second model of the protocol, for the model checker Spin."""
    spin, compiler = shutil.which("spin"), shutil.which("cc")
    if spin is None or compiler is None:
        pytest.skip("Spin is not installed: apt-get install spin")
    assert "errors: 0" in _checked(tmp_path, spin, compiler)
    # Every run leaves out each step of the other model; here only a soak leaves out all of them.
    for what in sampling.some(LEFT_OUT, 1):
        output = _checked(tmp_path, spin, compiler, f"-D{what}")
        wrong = "assertion violated" if what in TEAR else "invalid end state"
        assert "errors: 1" in output and f"pan:1: {wrong}" in output, what


def _checked(folder: Path, spin: str, compiler: str, *defines: str) -> str:
    for command in (
        [spin, *defines, "-a", str(HERE / "ring.pml")],
        [compiler, "-O2", "-w", "-o", "pan", "pan.c"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    checked = subprocess.run(
        ["./pan", "-m100000"], cwd=folder, check=True, capture_output=True, text=True
    )
    return checked.stdout


@pytest.fixture(scope="module")
def threads(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Compile the harness with ThreadSanitizer; return the command that runs it."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    return _sanitized(compiler, header(), tmp_path_factory.mktemp("tsan"))


def _sanitized(compiler: str, headers: Path, folder: Path) -> list[str]:
    program = folder / "ring_threads"
    command = [
        # ThreadSanitizer does not see a memcpy(3) that the compiler has inlined.
        compiler, "-fno-builtin-memcpy", "-std=gnu11", "-g", "-O1", "-fsanitize=thread",
        "-fno-strict-aliasing", "-Wall", "-Wextra", "-Werror", f"-I{headers}",
        "-o", str(program), str(HERE / "ring_threads.c"), "-lpthread",
    ]  # fmt: skip
    built = subprocess.run(command, capture_output=True, text=True)
    if built.returncode:
        assert "tsan" in built.stderr, built.stderr
        pytest.skip("ThreadSanitizer is not installed: apt-get install libtsan2")
    # Its shadow memory has fixed addresses, which a randomised layout may occupy.
    fixed = shutil.which("setarch")
    return [*([fixed, "-R"] if fixed else []), str(program)]


@pytest.mark.parametrize("looks", [-1, 0, 20], ids=["spin", "futex", "spin-block"])
@pytest.mark.parametrize("many", [0, 1], ids=["one by one", "batches"])
@pytest.mark.parametrize(
    ("producers", "depth", "size"), [(1, 1, 8), (1, 16, 64), (3, 4, 300)], ids=str
)
def test_threads(
    threads: list[str], producers: int, depth: int, size: int, many: int, looks: int
) -> None:
    numbers = (producers, 3000, depth, size, looks, many)
    ran = subprocess.run([*threads, *map(str, numbers)], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("one", breaks.THREADS, ids=lambda one: one.name)
def test_a_race_is_reported(one: breaks.Break, threads: list[str], tmp_path: Path) -> None:
    """Memory orders that are too weak have no visible effect on x86."""
    headers = breaks.sources(one, tmp_path) / "transports/native"
    broken = _sanitized("cc", headers, tmp_path)
    producers, *others = one.shape.split()
    ran = subprocess.run([*broken, producers, "3000", *others], capture_output=True, text=True)
    assert ran.returncode != 0
    assert "WARNING: ThreadSanitizer: data race" in ran.stderr, ran.stderr
