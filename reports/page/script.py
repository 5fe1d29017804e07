"""The script of the page, and the content security policy that allows it alone.

A journal may come from any source. The policy names the script by its hash, so that a browser
runs no other one, whatever text the page contains: CSP Level 3, section 2.3.1.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from markupsafe import Markup

_FILE = Path(__file__).with_name("script.js")


@cache
def source() -> Markup:
    """Return the text of the script, as the content of a `script` element."""
    return Markup(_FILE.read_text(encoding="utf-8"))  # safe: a file of this package


@cache
def policy() -> Markup:
    """Write the page's content security policy, for an attribute in double quotes."""
    digest = b64encode(sha256(source().encode()).digest()).decode()
    return Markup(
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
