"""Preparation of the two arms: their interpreters and environments, checked before any pair."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TypeVar

from ipcbench.bench.arms import cache
from ipcbench.bench.arms.arm import BASE, HEAD, Arm, ArmError, changed
from ipcbench.bench.arms.checks import check, check_here
from ipcbench.bench.arms.description import Description, ask
from ipcbench.bench.arms.making import Made, Maker, Note
from ipcbench.bench.arms.specs import Here, parsed

T = TypeVar("T")


def prepare(
    base: str, head: str, note: Note, watch: Callable[[int], None] = lambda pid: None
) -> tuple[Arm, Arm]:
    """Prepare both arms at the same time, and check them.

    What is built for them is kept until this process ends. `note` takes lines about it, and
    `watch` the pids of programs that must not outlive this process.

    Raises: ArmError.
    """
    given = {BASE: base, HEAD: head}
    specs = {name: parsed(name, spec) for name, spec in given.items()}
    with suppress(ArmError):  # an arm that has to be built is refused for it
        cache.remove_unfinished()
    maker = Maker(note, watch)

    def made(name: str) -> tuple[Made, Description]:
        found = maker.make(name, specs[name])
        answer = ask(found.executable, changed(found.changes, found.dropped))
        check(found, answer)
        return found, answer

    def named(name: str) -> tuple[Made, Description]:
        try:
            return made(name)
        except ArmError as error:
            raise ArmError(f"{name} ({given[name]}): {error}", error.remedy) from error

    both = _at_once(named, maker.stop)
    for name, other in ((BASE, HEAD), (HEAD, BASE)):
        if isinstance(specs[name], Here):
            check_here(name, both[name][1], both[other][0], note)
    with suppress(ArmError):
        cache.shrink()
    arms = _arm(BASE, base, *both[BASE]), _arm(HEAD, head, *both[HEAD])
    if base != head and arms[0].digest == arms[1].digest:
        note(f"{base} and {head} have the same code: this compares it with itself")
    return arms


def _at_once(act: Callable[[str], T], stop: Callable[[], None]) -> dict[str, T]:
    """Act for both arms at once; if one fails, or at a signal, stop the other."""
    with ThreadPoolExecutor(2) as pool:
        try:
            futures = {name: pool.submit(act, name) for name in (BASE, HEAD)}
            done, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
            for future in done:  # one that fails must not wait for the build of the other
                future.result()
            return {name: future.result() for name, future in futures.items()}
        except BaseException:
            stop()
            raise


def _arm(name: str, spec: str, made: Made, found: Description) -> Arm:
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


def _summary(found: Description) -> str:
    parts = [f"ipcbench {found.version}", *map(str, found.plugins), f"Python {found.interpreter}"]
    return ", ".join(parts)


def _digest(found: Description, made: Made) -> str:
    parts = [found.python, found.code, *(f"{one} {one.code}" for one in found.plugins)]
    parts += [f"{name}={value}" for name, value in sorted(made.changes.items())]
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()[:16]
