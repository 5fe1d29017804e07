"""The ring over words: every order of its steps in a model, and its code under ThreadSanitizer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests import sampling
from tests.native.interleavings import Lost, Ring, Torn, explore
from transports.native import header

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    "ring",
    [
        Ring(depth=1, messages=3),
        Ring(depth=2, messages=4),
        Ring(depth=3, messages=4),
        Ring(depth=1, messages=1, lanes=2),
    ],
    ids=lambda ring: f"{ring.depth} slots, {ring.messages} messages, {ring.lanes} lanes",
)
def test_no_order_loses_anything(ring: Ring) -> None:
    assert explore(ring) > 100


@pytest.mark.parametrize(
    ("without", "happens"),
    [
        ("bringer's fence", Lost),
        ("waiter's fence", Lost),
        ("second look", Lost),
        ("ring's change", Lost),
        ("release", Torn),
        ("room", Lost),
    ],
)
def test_the_model_misses_what_is_left_out(without: str, happens: type[Exception]) -> None:
    with pytest.raises(happens):
        explore(Ring(depth=1, messages=3, without=frozenset({without})))


def test_promela(tmp_path: Path) -> None:
    """The same protocol, modelled a second time, for a checker that is not ours."""
    spin, compiler = shutil.which("spin"), shutil.which("cc")
    if spin is None or compiler is None:
        pytest.skip("Spin is not installed: apt-get install spin")
    assert "errors: 0" in _checked(tmp_path, spin, compiler)
    # What is left out is missed by the other model each time, and by this one in a soak.
    for fence in ("NO_BRINGERS_FENCE", "NO_WAITERS_FENCE") if sampling.SOAK else ():
        assert "invalid end state" in _checked(tmp_path, spin, compiler, f"-D{fence}")


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
    """The harness, compiled with ThreadSanitizer; what to start it by."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    program = tmp_path_factory.mktemp("tsan") / "ring_threads"
    command = [
        compiler, "-std=gnu11", "-g", "-O1", "-fsanitize=thread", "-fno-strict-aliasing", "-Wall",
        "-Wextra", "-Werror", f"-I{header()}", "-o", str(program), str(HERE / "ring_threads.c"),
        "-lpthread",
    ]  # fmt: skip
    built = subprocess.run(command, capture_output=True, text=True)
    if built.returncode:
        assert "tsan" in built.stderr, built.stderr
        pytest.skip("ThreadSanitizer is not installed: apt-get install libtsan2")
    # Its shadow memory has fixed places, which a randomised layout may be in the way of.
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
