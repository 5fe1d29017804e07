"""Colours and markers: a family has both, so a reader may use either of them.

The hues follow Okabe and Ito's set for colour-blind readers (blue, orange,
green, purple, with red and teal). In a family, shade, marker and filling
distinguish the transports. Each colour has a counterpart for dark pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ipcbench.bench.results.axes import (
    BLOCK,
    FAMILIES,
    FILES,
    FLOOR,
    HOT,
    LIBRARY,
    MESSAGE_QUEUE,
    MULTIPROCESSING,
    NO_WAIT,
    PASSING,
    PIPE,
    POLL,
    SHARED_MEMORY,
    SOCKET,
    SPIN,
    SPIN_BLOCK,
    SYNCHRONISATION,
)
from ipcbench.reports.model import Measured, rank

INK, MUTED, GRID, PAPER = "#1f2430", "#5a6472", "#e1e5ea", "#ffffff"

_BASE = {INK: "#e7eaee", MUTED: "#a0aab6", GRID: "#343b45", PAPER: "#1a1e25"}
_SHADES: dict[str, tuple[tuple[str, str], ...]] = {  # family -> (light, dark)
    PIPE: (("#0b5cad", "#58a8f5"), ("#4a90d9", "#a3d0fb"), ("#08305c", "#2f83d6")),
    SOCKET: (("#bf5f00", "#f2a34e"), ("#db8a2c", "#f9cd94"), ("#7a3d00", "#cf7d1d")),
    MESSAGE_QUEUE: (("#0a7a55", "#3dcc99"), ("#3ba57f", "#97e8c9"), ("#064a34", "#21a274")),
    SHARED_MEMORY: (("#97298a", "#e27dd0"), ("#cc5fb9", "#f3b8e7"), ("#561450", "#bd4fa8")),
    PASSING: (("#3f3d9e", "#8f8df0"), ("#7573d1", "#c5c4fa"), ("#23225c", "#6a68d6")),
    MULTIPROCESSING: (("#b3262e", "#f2787b"), ("#d9646a", "#f9b3b4"), ("#6e1116", "#d94f55")),
    LIBRARY: (("#6b6a00", "#c9c74a"), ("#94932a", "#e3e29a"), ("#403f00", "#a9a72f")),
    FILES: (("#8a5a00", "#d9a441"), ("#b0823a", "#ecd09a"), ("#573900", "#b5811f")),
    SYNCHRONISATION: (("#0b7285", "#4cc3d9"), ("#3a9bb0", "#9be0ee"), ("#064450", "#2a9db3")),
    FLOOR: (("#6b7380", "#98a2ae"), ("#8b94a1", "#c0c8d1"), ("#474e58", "#7c8794")),
    "other": (("#6a5d4d", "#b9ad9c"), ("#948673", "#d8cfc2"), ("#453b2f", "#95886f")),
}
_MARKERS = {
    PIPE: ("o", "H"),
    SOCKET: ("s", "p"),
    MESSAGE_QUEUE: ("^", "d"),
    SHARED_MEMORY: ("D", "X", "P", "*"),
    PASSING: (">", "d", "P"),
    MULTIPROCESSING: ("v", "<"),
    LIBRARY: ("h", "8"),
    FILES: ("s", "o", "D"),
    SYNCHRONISATION: ("o", "s", "D", "^", "X"),
    FLOOR: (".", "."),
    "other": ("<", ">"),
}
_LINES = {
    BLOCK: "-",
    POLL: "--",
    SPIN: ":",
    SPIN_BLOCK: "-.",
    NO_WAIT: "--",
}
_KINDS = {(True, False): "8", (False, True): ">", (True, True): "<"}  # batch, payload -> marker


@dataclass(frozen=True, slots=True)
class Style:
    """The look of a curve: a hex colour of the light page, matplotlib's marker and line."""

    color: str
    marker: str
    line: str
    filled: bool


# For dots side by side in one row: both hue and marker distinguish them.
_SERIES = (
    ("#1f2430", "o"), ("#c2570c", "D"), ("#2b6cb0", "s"), ("#7a3b9a", "^"), ("#0f766e", "v"),
    ("#9f1239", "X"),
)  # fmt: skip
_SERIES_DARK = ("#e7eaee", "#f5a35c", "#72b1f0", "#cf9aea", "#4fd1c0", "#f7899f")
REFERENCE = Style(MUTED, "", "--", True)


def series(index: int) -> tuple[str, str]:
    """Return the colour and the marker of the `index`-th kind of dots."""
    return _SERIES[index % len(_SERIES)]


def family_style(one: Measured) -> Style:
    """Style the curve of the best of a cell's family."""
    family = one.facts.family
    known = family if family in _SHADES else "other"
    return in_its_manner(Style(_SHADES[known][0][0], _MARKERS[known][0], "-", True), one)


def in_its_manner(style: Style, one: Measured) -> Style:
    """Style one of the curves of a transport: the line by the wait, the marker by the messages.

    Where processes spin, the marker is hollow (or filled, if it was hollow). Several messages a
    call, and payloads that are written anew, have markers of their own.
    """
    kind = one.cell.batch > 1, one.cell.payload != HOT
    return replace(
        style,
        line=_LINES.get(one.wait, "-"),
        marker=_KINDS.get(kind, style.marker),
        filled=style.filled is (one.wait not in (SPIN, SPIN_BLOCK)),
    )


def family_color(family: str) -> str:
    return _SHADES[family if family in _SHADES else "other"][0][0]


def styles(cells: Iterable[Measured]) -> dict[str, Style]:
    """Choose a style for each transport, the same everywhere on a page.

    Its curves differ by `in_its_manner`.
    """
    kinds: dict[str, Measured] = {}
    for one in cells:
        kinds.setdefault(one.cell.transport, one)
    seen: dict[str, int] = {}
    found = {}
    for name, one in sorted(
        kinds.items(), key=lambda item: (rank(FAMILIES, item[1].facts.family), item[0])
    ):
        family = one.facts.family if one.facts.family in _SHADES else "other"
        index = seen.get(family, 0)
        seen[family] = index + 1
        shades, markers = _SHADES[family], _MARKERS[family]
        found[name] = Style(
            color=shades[index % len(shades)][0],
            marker=markers[index % len(markers)],
            line=_LINES[BLOCK],
            filled=index // (len(shades) * len(markers)) % 2 == 0,
        )
    return found


def family_class(family: str) -> str:
    """Return the class of a family in style.css."""
    known = family if family in _SHADES else "other"
    return "family-" + known.replace(" ", "-")


def _pairs() -> dict[str, str]:
    shades = {light: dark for family in _SHADES.values() for light, dark in family}
    dots = {light: dark for (light, _), dark in zip(_SERIES, _SERIES_DARK, strict=True)}
    return {**dots, **_BASE, **shades}


def variable(color: str) -> str:
    """Name the custom property of a colour of the light page: `--c-0b5cad`."""
    return "--c-" + color.removeprefix("#")


def themed(svg: str) -> str:
    """Replace the colours by custom properties, so that a chart follows the page's theme."""
    for color in _pairs():
        svg = svg.replace(color, f"var({variable(color)})")
    return svg


def css_variables(dark: bool) -> str:
    """Declare all colours for `:root`, and one property for each family's first shade."""
    pairs = _pairs()
    colors = [f"{variable(light)}:{shade if dark else light}" for light, shade in pairs.items()]
    families = [
        f"--{family_class(family)}:{shades[0][1 if dark else 0]}"
        for family, shades in _SHADES.items()
    ]
    return ";".join(colors + families)
