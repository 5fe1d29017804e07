"""The compiled bindings, or None where they are not installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ipcbench.transports.base.remedies import pip_install
from ipcbench.transports.contract import Unavailable


def _binding(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


posix_ipc = _binding("posix_ipc")
sysv_ipc = _binding("sysv_ipc")


def require(name: str) -> None:
    """Check that a binding is installed.

    Args:
        name: "posix_ipc" or "sysv_ipc".

    Raises:
        Unavailable: it is not.
    """
    if globals()[name] is None:
        raise missing(name)


def missing(name: str) -> Unavailable:
    return Unavailable(f"the package {name} is not installed", pip_install(name))
