"""scipy's statistics, loaded by the first test that compares with them.

Most tests fork, and a fork takes longer the more memory a test process has: scipy has 60 MB.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def stats() -> Any:
    """Return the module scipy.stats."""
    import scipy.stats

    return scipy.stats
