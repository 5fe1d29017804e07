"""Colours of charts, each with its counterpart for dark pages.

The hues follow Okabe and Ito's set for colour-blind readers (blue, orange, green, purple, with
red and teal): one hue for a family, one shade of it for a facility.
"""

from __future__ import annotations

from collections.abc import Mapping

from ipcbench.bench.results.axes import (
    FILES,
    FLOOR,
    LIBRARY,
    MESSAGE_QUEUE,
    MULTIPROCESSING,
    PASSING,
    PIPE,
    SHARED_MEMORY,
    SOCKET,
    SYNCHRONISATION,
)

INK, MUTED, GRID, PAPER = "#1f2430", "#5a6472", "#e1e5ea", "#ffffff"
BAND = "#f2f4f7"  # behind every second value of an axis
OTHER = "other"  # a family without a hue

_BASE = {INK: "#e7eaee", MUTED: "#a0aab6", GRID: "#343b45", PAPER: "#1a1e25", BAND: "#20252d"}
_PARTS = {"#2f6fb5": "#6fb3f5", "#8a94a3": "#77828f", "#c98a1b": "#f0b45c"}
PARTS = tuple(_PARTS)
"""Colours of the parts of a bar."""

_SHADES: Mapping[str, tuple[tuple[str, str], ...]] = {  # family -> (light, dark)
    PIPE: (
        ("#0b5cad", "#58a8f5"), ("#4a90d9", "#a3d0fb"), ("#08305c", "#2f83d6"),
        ("#0a83a8", "#45c4e6"), ("#5f7fb8", "#b9c9ef"),
    ),
    SOCKET: (
        ("#bf5f00", "#f2a34e"), ("#7a3d00", "#cf7d1d"), ("#db8a2c", "#f9cd94"),
        ("#96701a", "#d9b55a"), ("#d4642a", "#ff9d68"), ("#a3452a", "#e0795a"),
        ("#5d4a12", "#b39a45"), ("#a8744a", "#dcb594"),
    ),
    MESSAGE_QUEUE: (
        ("#0a7a55", "#3dcc99"), ("#3ba57f", "#97e8c9"), ("#064a34", "#21a274"),
    ),
    SHARED_MEMORY: (
        ("#97298a", "#e27dd0"), ("#cc5fb9", "#f3b8e7"), ("#561450", "#bd4fa8"),
        ("#7449b5", "#b798ee"), ("#b83273", "#f283b4"), ("#4a2f8a", "#9f8ae6"),
        ("#8d5aa3", "#d0a8e3"), ("#d9668a", "#fbb9cd"), ("#6e1f4f", "#c9699f"),
        ("#9a76cc", "#d9c8f6"),
    ),
    PASSING: (("#3f3d9e", "#8f8df0"), ("#7573d1", "#c5c4fa"), ("#23225c", "#6a68d6")),
    MULTIPROCESSING: (("#b3262e", "#f2787b"), ("#d9646a", "#f9b3b4"), ("#6e1116", "#d94f55")),
    LIBRARY: (("#6b6a00", "#c9c74a"), ("#94932a", "#e3e29a"), ("#403f00", "#a9a72f")),
    FILES: (("#8a5a00", "#d9a441"), ("#b0823a", "#ecd09a"), ("#573900", "#b5811f")),
    SYNCHRONISATION: (
        ("#0b7285", "#4cc3d9"), ("#3a9bb0", "#9be0ee"), ("#064450", "#2a9db3"),
        ("#2b8a78", "#5fd9c2"), ("#4b7f9c", "#a5c8de"),
    ),
    FLOOR: (("#6b7380", "#98a2ae"),),
    OTHER: (("#6a5d4d", "#b9ad9c"), ("#948673", "#d8cfc2"), ("#453b2f", "#95886f")),
}  # fmt: skip


def known(family: str) -> str:
    """Return a family that has a hue."""
    return family if family in _SHADES else OTHER


def shades(family: str) -> list[str]:
    """Return the colours of a family on the light page."""
    return [light for light, _ in _SHADES[known(family)]]


def family_color(family: str) -> str:
    """Return the colour of a family's name."""
    return shades(family)[0]


def family_class(family: str) -> str:
    """Return the class of a family in style.css."""
    return "family-" + known(family).replace(" ", "-")


def _pairs() -> dict[str, str]:
    found = {light: dark for family in _SHADES.values() for light, dark in family}
    return {**_BASE, **_PARTS, **found}


def variable(color: str) -> str:
    """Name the custom property of a colour of the light page: `--c-0b5cad`."""
    return "--c-" + color.removeprefix("#")


def themed(style: str) -> str:
    """Replace the colours by custom properties, so that a chart follows the page's theme."""
    for color in _pairs():
        style = style.replace(color, f"var({variable(color)})")
    return style


def css_variables(dark: bool) -> str:
    """Declare all colours for `:root`, and one property for each family's first shade."""
    pairs = _pairs()
    colors = [f"{variable(light)}:{shade if dark else light}" for light, shade in pairs.items()]
    families = [
        f"--{family_class(family)}:{tones[0][1 if dark else 0]}"
        for family, tones in _SHADES.items()
    ]
    return ";".join(colors + families)
