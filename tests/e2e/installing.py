"""A wheel from a clean copy of the tree, and a virtual environment that has it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.e2e.command import environment

ROOT = Path(__file__).parents[2]
FOLDERS = ("transports", "bench", "reports")
LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "*.so")


def run(*command: str | Path, cwd: Path, code: int = 0, **more: str) -> str:
    """Run a command without the checkout on its path; return its output."""
    env = environment(**more)
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        env.pop(name, None)
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout if code == 0 else done.stdout + done.stderr


def clean_copy(copy: Path) -> Path:
    """Copy what a distribution is made from, without what was built; return the copy."""
    for folder in (*FOLDERS, "ipcbench"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=LEFTOVERS, symlinks=True)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return copy


def built_wheel(place: Path, **more: str) -> Path:
    """Build the wheel from the source distribution, and that from a clean copy of the tree.

    `more` goes into the builder's environment.
    """
    copy = clean_copy(place / "copy")
    run(
        sys.executable, "-m", "build", "--no-isolation", "--outdir", "../dist", ".",
        cwd=copy, **more,
    )  # fmt: skip
    (found,) = (place / "dist").glob("*.whl")
    return found


def environment_with(wheel: Path, place: Path) -> Path:
    """Make an environment with the wheel and the dependencies of this environment."""
    made = place / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", made, cwd=place)
    run(
        sys.executable, "-m", "pip", "--python", made / "bin/python", "--no-input",
        "--disable-pip-version-check", "install", "--no-deps", "--no-index", "--quiet", wheel,
        cwd=place,
    )  # fmt: skip
    site = run(
        made / "bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))",
        cwd=place,
    )  # fmt: skip
    # Folders only: Python does not read the .pth files in them, such as an editable install's.
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(site.strip()) / "dependencies.pth").write_text("\n".join(sorted(folders)))
    return made
