"""Profiles: the cells of a sweep and the settings of its runs, from TOML."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec

from ipcbench.bench.decisions.contest import LOOKS
from ipcbench.bench.decisions.promises.looks import BUDGET
from ipcbench.bench.decisions.tasks import TASKS
from ipcbench.bench.errors import BenchError
from ipcbench.bench.patterns.table import PATTERNS, SLOWED
from ipcbench.bench.results.axes import (
    BLOCK,
    HOT,
    NO_WAIT,
    PAYLOADS,
    PLACEMENTS,
    PYTHON,
    RUNTIMES,
    SPIN_BLOCK,
    WAITS,
    unknown,
)
from ipcbench.bench.results.cell import MOST_SLOWED
from ipcbench.bench.results.pace import CLOSED, parse_pace
from ipcbench.bench.results.records import MOST_BLOCKS, MOST_ROUNDS, MOST_STAMPS, Settings
from ipcbench.bench.results.units import parse_seconds, parse_size
from ipcbench.bench.results.untrusted import one_line, parse_toml, read_toml

PROFILES = ("smoke", "quick", "standard", "rigorous")
GATE = "gate"  # the profile of comparisons of two arms, which a run has no use for
MOST_PROCESSES = 64
DEEPEST = 1_000_000
MOST_LOOKS = 1_000_000
LARGEST_BATCH = 1024  # UIO_MAXIOV: sendmmsg(2) takes no more
LONGEST_BLOCK = 3600.0  # seconds: its loops are still a number that a journal takes
LONGEST_MESSAGE = 600
ASKED_WAITS = tuple(wait for wait in WAITS if wait != NO_WAIT)
_INSTEAD = {
    "unknown field `poll`": 'write waits = ["poll"] for true, ["block"] for false, or both',
    "unknown field `tail`": "write stamps = 200, the single times of each run, or 0 for none",
}


class BadConfig(BenchError):
    """A profile or an option that cannot be used; one line that says what to do."""


T = TypeVar("T")
W = TypeVar("W", bound=str)

# A product with an empty axis has no cells: they would be dropped silently.
Some: TypeAlias = Annotated[tuple[T, ...], msgspec.Meta(min_length=1, max_length=1000)]


class _Timing(msgspec.Struct, forbid_unknown_fields=True):
    """The `[run]` table: the settings of each run."""

    rounds: int
    values: int = 3
    warmups: int = 1
    block: str = "10ms"
    stamps: int = 200
    adaptive: bool = False
    budget: str | None = None
    experiments: tuple[str, ...] = ()


class _Axes(msgspec.Struct, forbid_unknown_fields=True):
    """A `[[cells]]` table: the product of its axes."""

    patterns: Some[str]
    sizes: Some[str | int]
    placements: Some[str]
    transports: Some[str] = ("*",)
    processes: Some[int] = (2,)
    depths: tuple[int, ...] = ()
    waits: Some[str] = (BLOCK,)
    looks: tuple[int, ...] = ()
    batches: Some[int] = (1,)
    payloads: Some[str] = (HOT,)
    paces: Some[str] = (CLOSED,)
    runtimes: Some[str] = (PYTHON,)
    tasks: tuple[str, ...] | None = None


class _Controls(_Axes, forbid_unknown_fields=True):
    """A `[[controls]]` table: twins, or cells that are slowed by so many percent."""

    slowed: int = 0


class _LeftOut(msgspec.Struct, forbid_unknown_fields=True):
    """A `[[left-out]]` table: something that this profile does not measure, with the reason."""

    what: str
    why: str


class _File(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    about: str
    run: _Timing
    cells: Some[_Axes]
    controls: tuple[_Controls, ...] = ()
    left_out: tuple[_LeftOut, ...] = ()


class Axes(msgspec.Struct, frozen=True):
    """A product of axes, parsed: sizes in bytes.

    A depth of None is the transport's own, and so are looks of None. `tasks`: those that its
    cells serve; None: all that are about such cells. `compared`: its transports are compared with
    each other besides.
    """

    patterns: tuple[str, ...]
    sizes: tuple[int, ...]
    placements: tuple[str, ...]
    transports: tuple[str, ...]
    processes: tuple[int, ...]
    depths: tuple[int | None, ...]
    waits: tuple[str, ...] = (BLOCK,)
    looks: tuple[int | None, ...] = (None,)
    batches: tuple[int, ...] = (1,)
    payloads: tuple[str, ...] = (HOT,)
    paces: tuple[str, ...] = (CLOSED,)
    runtimes: tuple[str, ...] = (PYTHON,)
    twin: bool = False
    tasks: tuple[str, ...] | None = None
    slowed: int = 0
    compared: bool = False

    @property
    def is_control(self) -> bool:
        """Tell whether its cells repeat others."""
        return self.twin or self.slowed > 0


class Profile(msgspec.Struct, frozen=True):
    """A profile, parsed.

    `budget`: seconds of a sweep, None: no limit. `left_out`: pairs (what, why) for the page.
    `experiments`: names or patterns.
    """

    name: str
    about: str
    settings: Settings
    axes: tuple[Axes, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    budget: float | None = None
    experiments: tuple[str, ...] = ()


def without_left_out(profile: Profile) -> Profile:
    """Forget what a profile leaves out: with options it may be measured, and more is left out."""
    return msgspec.structs.replace(profile, left_out=())


def watching(profile: Profile, seconds: float | None) -> Profile:
    """Watch each open loop for so long, over all rounds together. Raises: BadConfig."""
    if seconds is None:
        return profile
    if not 0 < seconds <= LONGEST_BLOCK:
        raise BadConfig("--tail: 1h at most")
    settings = msgspec.structs.replace(profile.settings, watch=seconds)
    return msgspec.structs.replace(profile, settings=settings)


def for_promises(profile: Profile, *, until_decided: bool) -> Profile:
    """Adapt a profile to promises: until they are decided, or for a number of rounds.

    The mini-rounds of an adaptive profile, and its budget, are for its contests.
    """
    settings = msgspec.structs.replace(profile.settings, adaptive=until_decided)
    if until_decided:
        settings = msgspec.structs.replace(settings, rounds=LOOKS[0])
        return msgspec.structs.replace(profile, settings=settings, budget=BUDGET)
    budget = None if profile.settings.adaptive else profile.budget
    return msgspec.structs.replace(profile, settings=settings, budget=budget)


def load_profile(name: str) -> Profile:
    """Read a profile by its name, or by the path of a TOML file.

    Raises: BadConfig.
    """
    found = _find(name, Path())
    # The name goes into the journal, as text.
    return parse_profile(one_line(found.name), found.data, found.folder, (found.identity,))


class _Found(msgspec.Struct, frozen=True):
    """A profile before it is parsed; `identity` is the same whatever path leads to it."""

    name: str
    identity: str
    data: bytes
    folder: Path | None  # where the paths in it start; None: it may name none


def _find(name: str, folder: Path | None) -> _Found:
    """Read a profile that is named on the command line or by another one. Raises: BadConfig."""
    if name in (*PROFILES, GATE):
        data = (files("ipcbench.bench") / "profiles" / f"{name}.toml").read_bytes()
        return _Found(name, name, data, None)
    if folder is None or not name.endswith(".toml"):
        raise BadConfig(f"{unknown('profile', name, PROFILES)}, or FILE.toml")
    path = folder / name
    try:
        data = read_toml(path)
        return _Found(path.stem, str(path.resolve()), data, path.parent)
    except OSError as error:
        raise BadConfig(f"{path}: {error.strerror}") from error
    except ValueError as error:  # a name that no file can have
        raise BadConfig(f"{name!r}: {error}") from error


def parse_profile(
    name: str, data: bytes, folder: Path | None = None, path: tuple[str, ...] = ()
) -> Profile:
    """Parse a profile's TOML.

    Args:
        folder: the folder of its file, where `extends` looks for another one.
        path: the identities of the profiles that led here.

    Raises: BadConfig, in one line that names the profile.
    """
    try:
        found = msgspec.convert(_extended(parse_toml(data), folder, path), _File)
        return Profile(
            name=name,
            about=found.about,
            settings=_settings(found.run),
            budget=None if found.run.budget is None else parse_seconds(found.run.budget),
            axes=(
                *(part for axes in found.cells for part in _parse_axes(axes)),
                *(part for axes in found.controls for part in _parse_controls(axes)),
            ),
            left_out=tuple((entry.what, entry.why) for entry in found.left_out),
            experiments=found.run.experiments,
        )
    except (BadConfig, ValueError, RecursionError) as error:
        instead = [text for old, text in _INSTEAD.items() if old in str(error)]
        message = " ".join(": ".join([str(error), *instead]).split())
        raise BadConfig(
            f"profile {one_line(name)}: {one_line(message, LONGEST_MESSAGE)}"
        ) from error


def _settings(run: _Timing) -> Settings:
    """Check the settings of the runs. Raises: BadConfig, ValueError."""
    if run.adaptive and run.rounds < LOOKS[0]:
        raise BadConfig(
            f"rounds = {run.rounds}: with adaptive = true, the first look at the contests is "
            f"after {LOOKS[0]} rounds: ask for so many or more, or write adaptive = false"
        )
    return Settings(
        values=_from_to(1, MOST_BLOCKS, run.values, "values"),
        warmups=_from_to(0, MOST_BLOCKS, run.warmups, "warmups"),
        block=_span(run.block, "block"),
        rounds=_from_to(1, MOST_ROUNDS, run.rounds, "rounds"),
        stamps=_from_to(0, MOST_STAMPS, run.stamps, "stamps"),
        adaptive=run.adaptive,
    )


def _extended(table: dict[str, Any], folder: Path | None, path: tuple[str, ...]) -> dict[str, Any]:
    """Fill in what a profile leaves to the one that it extends, and so on. Raises: BadConfig."""
    while "extends" in table:
        name = table.pop("extends")
        if not isinstance(name, str):
            raise BadConfig(f"extends = {name!r}: the name of a profile, or a FILE.toml")
        found = _find(name, folder)
        if found.identity in path:
            raise BadConfig(
                f"extends = {name!r}: that profile extends this one, in a circle: "
                "remove one of the lines"
            )
        path, folder = (*path, found.identity), found.folder
        try:
            base = parse_toml(found.data)
        except ValueError as error:
            raise BadConfig(f"extends = {name!r}: {error}") from error
        table = _over(table, base)
    return table


def _over(table: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """Replace the keys of a base profile; of its `run` table, each key by itself.

    With other cells, other things are left out than in the base profile.
    """
    kept = {key: value for key, value in base.items() if key != "left-out" or "cells" not in table}
    merged = kept | table
    if isinstance(base.get("run"), dict) and isinstance(table.get("run"), dict):
        merged["run"] = base["run"] | table["run"]
    return merged


def _span(text: str, what: str) -> float:
    seconds = parse_seconds(text)
    if seconds > LONGEST_BLOCK:
        raise BadConfig(f"{what} = {text}: 1h at most")
    return seconds


def _from_to(least: int, most: int, value: int, what: str) -> int:
    if not least <= value <= most:
        raise BadConfig(f"{what} = {value}: {least} to {most}")
    return value


def _parse_controls(axes: _Controls) -> Iterator[Axes]:
    """Yield the parts of a table of controls. Raises: BadConfig."""
    slowed = _from_to(0, MOST_SLOWED, axes.slowed, "slowed")
    for part in _parse_axes(axes):
        usual = (part.batches, part.payloads, part.paces) == ((1,), (HOT,), (CLOSED,))
        if slowed and not (usual and SLOWED.keys() >= set(part.patterns)):
            able = " and ".join(SLOWED)
            raise BadConfig(f"slowed: only {able} with hot messages and no pauses can be slowed")
        yield msgspec.structs.replace(part, twin=not slowed, slowed=slowed)


def _parse_axes(axes: _Axes) -> Iterator[Axes]:
    """Yield a table; one with looks in two parts, since only `spin-block` has some."""
    parsed = Axes(
        patterns=known_names("pattern", axes.patterns, PATTERNS),
        sizes=tuple(parse_size(str(size)) for size in axes.sizes),
        placements=known_names("placement", axes.placements, PLACEMENTS),
        transports=axes.transports,
        processes=check_processes(axes.processes),
        depths=check_depths(axes.depths) or (None,),
        waits=known_names("wait", axes.waits, ASKED_WAITS),
        looks=check_looks(axes.looks) or (None,),
        batches=check_batches(axes.batches),
        payloads=known_names("payload", axes.payloads, PAYLOADS),
        paces=tuple(map(parse_pace, axes.paces)),
        runtimes=known_names("runtime", axes.runtimes, RUNTIMES),
        tasks=None if axes.tasks is None else known_names("task", axes.tasks, TASKS),
    )
    if not axes.looks:
        yield parsed
        return
    if SPIN_BLOCK not in axes.waits:
        raise BadConfig(f'looks are those of a wait: add waits = ["{SPIN_BLOCK}"], or remove looks')
    others = tuple(wait for wait in axes.waits if wait != SPIN_BLOCK)
    if others:
        yield msgspec.structs.replace(parsed, waits=others, looks=(None,))
    yield msgspec.structs.replace(parsed, waits=(SPIN_BLOCK,))


def known_names(what: str, given: Sequence[W], known: Collection[str]) -> tuple[W, ...]:
    """Check names against those of their axis. Raises: BadConfig."""
    for word in given:
        if word not in known:
            raise BadConfig(unknown(what, word, known))
    return tuple(given)


def check_processes(given: Sequence[int]) -> tuple[int, ...]:
    """Check numbers of processes. Raises: BadConfig."""
    for number in given:
        if not 1 <= number <= MOST_PROCESSES:
            raise BadConfig(f"a cell has 1 to {MOST_PROCESSES} processes, not {number}")
    return tuple(given)


def check_looks(given: Sequence[int]) -> tuple[int, ...]:
    """Check numbers of looks. Raises: BadConfig."""
    return tuple(_from_to(1, MOST_LOOKS, number, "looks") for number in given)


def check_batches(given: Sequence[int]) -> tuple[int, ...]:
    """Check numbers of messages of a call. Raises: BadConfig."""
    return tuple(_from_to(1, LARGEST_BATCH, number, "batch") for number in given)


def check_depths(given: Sequence[int]) -> tuple[int, ...]:
    """Check numbers of messages in a queue. Raises: BadConfig."""
    return tuple(_from_to(1, DEEPEST, number, "depth") for number in given)
