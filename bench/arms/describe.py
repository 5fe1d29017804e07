"""Program that prints an interpreter's ipcbench and its plug-ins, as one line of JSON.

It is read as text and run by `python -c` in an arm, whose ipcbench may be older than this
file. So it imports nothing of ipcbench but what it asks for.
"""

import hashlib
import json
import sys

if sys.version_info < (3, 11):  # noqa: UP036 (it may be any interpreter)
    sys.exit(f"error: Python {sys.version.split()[0]} is older than 3.11")
if "" in sys.path[:1] and not sys.flags.safe_path:  # the current folder
    del sys.path[0]

from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, entry_points, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

GROUP = "ipcbench.transports"
MEASURES = (".py", ".toml", ".so")  # the files that influence a measurement


def described() -> dict[str, Any]:
    """Describe this interpreter; `failure` says why its ipcbench cannot be used."""
    found: dict[str, Any] = {
        "python": sys.version,
        "prefix": sys.prefix,
        "failure": "",
        "version": "",
        "package": "",
        "protocol": 0,
        "native": "",
        "code": "",
        "newer": "",
        "plugins": [],
    }
    try:
        found.update(_package())
        found["plugins"] = _plugins()
    except Exception as error:  # of any import
        found["failure"] = f"{type(error).__name__}: {error}"
    return found


def _package() -> dict[str, Any]:
    package = import_module("ipcbench")
    folder = Path(package.__path__[0])
    found = {"package": str(folder), "version": version("ipcbench")}
    with suppress(ImportError, AttributeError):  # a version of before these modules
        found["version"] = import_module("ipcbench.bench.version").VERSION
    found["protocol"] = import_module("ipcbench.bench.workers.job").PROTOCOL
    with suppress(ImportError, AttributeError):
        reason = import_module("ipcbench.transports.native").built()
        found["native"] = "" if reason is None else str(reason)
    files = [*_tree(folder / "transports"), *_tree(folder / "bench")]
    found["code"] = digest(files)
    found["newer"] = newer([path for _, path in files])
    return found


def _plugins() -> list[dict[str, Any]]:
    """Describe the projects that have transports, without importing them."""
    projects: dict[str, tuple[Distribution, list[EntryPoint]]] = {}
    for entry in entry_points(group=GROUP):
        if entry.dist is not None and entry.dist.name.lower() != "ipcbench":
            projects.setdefault(entry.dist.name, (entry.dist, []))[1].append(entry)
    return [_plugin(*projects[name]) for name in sorted(projects)]


def _plugin(project: Distribution, entries: list[EntryPoint]) -> dict[str, Any]:
    modules = {entry.module.partition(".")[0] for entry in entries}
    modules |= set((project.read_text("top_level.txt") or "").split())
    files: set[Path] = set()
    for module in sorted(modules):
        files.update(_files(module))
    main = find_spec(entries[0].module.partition(".")[0])
    return {
        "project": project.name,
        "version": project.version,
        "names": sorted(entry.name for entry in entries),
        "where": "" if main is None else str(main.origin or ""),
        "code": digest([(path.name, path) for path in files]),
        "newer": newer(sorted(files)),
    }


def _files(module: str) -> Iterator[Path]:
    spec = find_spec(module)
    if spec is None:
        return
    for folder in spec.submodule_search_locations or ():
        yield from (path for _, path in _tree(Path(folder)))
    if spec.origin is not None and Path(spec.origin).is_file():
        yield Path(spec.origin)


def _tree(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        if path.suffix in MEASURES:
            yield str(path.relative_to(folder.parent)), path


def newer(files: list[Path]) -> str:
    """Return a C source beside one of the files that is newer than a compiled one; "" if none is.

    Only sources in the folders of the files count: an installed copy has none.
    """
    built = [path.stat().st_mtime for path in files if path.suffix == ".so"]
    folders = {path.parent for path in files if "site-packages" not in path.parts}
    sources = [each for folder in folders for end in "ch" for each in folder.glob(f"*.{end}")]
    found = [each for each in sources if built and each.stat().st_mtime > min(built)]
    return str(min(found, default=""))


def digest(files: list[tuple[str, Path]]) -> str:
    """Return the digest of files by their names."""
    found = hashlib.sha256()
    for name, path in sorted(files):
        data = path.read_bytes()
        found.update(f"{name} {len(data)}\n".encode())
        found.update(data)
    return found.hexdigest()[:16]


if __name__ == "__main__":
    print(json.dumps(described()))
