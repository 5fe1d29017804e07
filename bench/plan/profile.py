"""Profiles: which cells a sweep has and how its runs are made, from TOML and options."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

import msgspec

from ipcbench.bench.errors import BenchError
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.results.axes import PLACEMENTS, PYTHON, RUNTIMES
from ipcbench.bench.results.records import MOST_BLOCKS, MOST_ROUNDS, Settings
from ipcbench.bench.results.units import parse_seconds, parse_size
from ipcbench.bench.results.untrusted import one_line, parse_toml, read_toml

PROFILES = ("smoke", "quick", "standard", "rigorous")
MOST_PROCESSES = 64
DEEPEST = 1_000_000
LONGEST_BLOCK = 3600.0  # seconds: its loops are still a number that a journal takes
LONGEST_MESSAGE = 600


class BadConfig(BenchError):
    """A profile or an option cannot be what is meant; one line that says what to do."""


T = TypeVar("T")
W = TypeVar("W", bound=str)

# A product with an empty axis has no cells: they would be dropped in silence.
Some: TypeAlias = Annotated[tuple[T, ...], msgspec.Meta(min_length=1, max_length=1000)]


class _Timing(msgspec.Struct, forbid_unknown_fields=True):
    """The `[run]` table: how each run is made."""

    rounds: int
    values: int = 3
    warmups: int = 1
    block: str = "10ms"
    tail: str = "10ms"


class _Axes(msgspec.Struct, forbid_unknown_fields=True):
    """A `[[cells]]` or `[[controls]]` table: the product of its axes."""

    patterns: Some[str]
    sizes: Some[str | int]
    placements: Some[str]
    transports: Some[str] = ("*",)
    processes: Some[int] = (2,)
    depths: tuple[int, ...] = ()
    poll: tuple[bool, ...] = (False,)
    runtimes: Some[str] = (PYTHON,)


class _LeftOut(msgspec.Struct, forbid_unknown_fields=True):
    """A `[[left-out]]` table: what this profile does not measure, and why."""

    what: str
    why: str


class _File(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    about: str
    run: _Timing
    cells: Some[_Axes]
    controls: tuple[_Axes, ...] = ()
    left_out: tuple[_LeftOut, ...] = ()


class Axes(msgspec.Struct, frozen=True):
    """A product of axes, parsed: sizes in bytes; a depth of None is the transport's own."""

    patterns: tuple[str, ...]
    sizes: tuple[int, ...]
    placements: tuple[str, ...]
    transports: tuple[str, ...]
    processes: tuple[int, ...]
    depths: tuple[int | None, ...]
    poll: tuple[bool, ...] = (False,)
    runtimes: tuple[str, ...] = (PYTHON,)
    twin: bool = False


class Profile(msgspec.Struct, frozen=True):
    """What to measure. `left_out`: (what, why) for the page."""

    name: str
    about: str
    settings: Settings
    axes: tuple[Axes, ...]
    left_out: tuple[tuple[str, str], ...] = ()


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The command line's word on the axes: what is given takes the profile's place."""

    transports: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    processes: tuple[int, ...] = ()
    patterns: tuple[str, ...] = ()
    placements: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()


def load_profile(name: str) -> Profile:
    """A profile of ours by its name, or anybody's by the path of its TOML file.

    Raises: BadConfig.
    """
    if name in PROFILES:
        data = (files("ipcbench.bench") / "profiles" / f"{name}.toml").read_bytes()
        return parse_profile(name, data)
    path = Path(name)
    if path.suffix != ".toml":
        raise BadConfig(f"no profile {name!r}: there are {', '.join(PROFILES)}, or FILE.toml")
    try:
        data = read_toml(path)
    except OSError as error:
        raise BadConfig(f"{path}: {error.strerror}") from error
    except ValueError as error:  # a name that no file can have
        raise BadConfig(f"{name!r}: {error}") from error
    return parse_profile(one_line(path.stem), data)  # it goes into the journal, as text


def parse_profile(name: str, data: bytes) -> Profile:
    """Raises: BadConfig, in one line that names the profile."""
    try:
        found = msgspec.convert(parse_toml(data), _File)
        run = found.run
        return Profile(
            name=name,
            about=found.about,
            settings=Settings(
                values=_from_to(1, MOST_BLOCKS, run.values, "values"),
                warmups=_from_to(0, MOST_BLOCKS, run.warmups, "warmups"),
                block=_span(run.block, "block"),
                tail=0.0 if run.tail == "0" else _span(run.tail, "tail"),
                rounds=_from_to(1, MOST_ROUNDS, run.rounds, "rounds"),
            ),
            axes=(
                *(_parse_axes(axes, twin=False) for axes in found.cells),
                *(_parse_axes(axes, twin=True) for axes in found.controls),
            ),
            left_out=tuple((entry.what, entry.why) for entry in found.left_out),
        )
    except (BadConfig, ValueError, RecursionError) as error:
        said = one_line(" ".join(str(error).split()), LONGEST_MESSAGE)
        raise BadConfig(f"profile {one_line(name)}: {said}") from error


def _span(text: str, what: str) -> float:
    seconds = parse_seconds(text)
    if seconds > LONGEST_BLOCK:
        raise BadConfig(f"{what} = {text}: 1h at most")
    return seconds


def _from_to(least: int, most: int, value: int, what: str) -> int:
    if not least <= value <= most:
        raise BadConfig(f"{what} = {value}: {least} to {most}")
    return value


def _parse_axes(axes: _Axes, *, twin: bool) -> Axes:
    return Axes(
        patterns=_known("pattern", axes.patterns, PATTERNS),
        sizes=tuple(parse_size(str(size)) for size in axes.sizes),
        placements=_known("placement", axes.placements, PLACEMENTS),
        transports=axes.transports,
        processes=_processes(axes.processes),
        depths=tuple(_from_to(1, DEEPEST, depth, "depth") for depth in axes.depths) or (None,),
        poll=axes.poll,
        runtimes=_known("runtime", axes.runtimes, RUNTIMES),
        twin=twin,
    )


def _known(what: str, given: Sequence[W], known: Collection[str]) -> tuple[W, ...]:
    for word in given:
        if word not in known:
            raise BadConfig(f"no {what} {word!r}: there are {', '.join(known)}")
    return tuple(given)


def _processes(given: Sequence[int]) -> tuple[int, ...]:
    for number in given:
        if not 2 <= number <= MOST_PROCESSES:
            raise BadConfig(f"{number} processes: 2 to {MOST_PROCESSES}")
    return tuple(given)


def with_options(profile: Profile, options: Options) -> Profile:
    """The profile with the axes that the command line gives; controls only where they still fit.

    Raises: BadConfig.
    """
    patterns = _known("pattern", options.patterns, PATTERNS)
    placements = _known("placement", options.placements, PLACEMENTS)
    runtimes = _known("runtime", options.runtimes, RUNTIMES)
    processes = _processes(options.processes)
    try:
        sizes = tuple(parse_size(size) for size in options.sizes)
    except ValueError as error:
        raise BadConfig(str(error)) from error
    changed = []
    for axes in profile.axes:
        kept = tuple(pattern for pattern in axes.patterns if pattern in (patterns or axes.patterns))
        if not kept:
            continue
        changed.append(
            msgspec.structs.replace(
                axes,
                patterns=kept,
                sizes=sizes or axes.sizes,
                placements=placements or axes.placements,
                runtimes=runtimes or axes.runtimes,
                transports=options.transports or axes.transports,
                # -P speaks of patterns for any number; those of two keep theirs.
                processes=processes if processes and axes.processes != (2,) else axes.processes,
            )
        )
    if not changed:
        raise BadConfig(f"profile {profile.name} has no pattern {', '.join(patterns)}")
    return msgspec.structs.replace(profile, axes=tuple(changed))
