"""Parts of a page, for tests."""

from __future__ import annotations

import re


def part(page: str, name: str) -> str:
    """Return the closed part with an id, without its title."""
    (found,) = re.findall(
        rf'<div class="body" id="{re.escape(name)}">\n(.*?)\n</div></details>', page, re.DOTALL
    )
    return found


def section(page: str, name: str) -> str:
    """Return a section of the page."""
    (found,) = re.findall(rf'<section id="{name}">(.*?)</section>', page, re.DOTALL)
    return found
