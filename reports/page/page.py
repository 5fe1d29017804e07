"""The page of a run: self-contained, and readable without a network.

No request: charts, style and the one script are inline, and a content security
policy makes the browser enforce it, since a journal may come from any source. Everything is
there without the script. Every string from the data is cut, cleaned and escaped.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Collection
from pathlib import Path

from markupsafe import Markup

from ipcbench.bench.results.files import write_atomically
from ipcbench.bench.results.results import Results
from ipcbench.reports.charts.gallery import KINDS, page_charts
from ipcbench.reports.drawing import figures
from ipcbench.reports.model import measured
from ipcbench.reports.page.render import Shown, render

REPORT = "report.html"
FIGURES = "figures"
_CHART_NAME = re.compile(f"(?:{'|'.join(KINDS)})-[a-z0-9-]{{1,64}}")


def write(results: Results, folder: Path) -> Path:
    """Write `report.html`, and each chart as SVG and PNG under `figures`; return the page's path.

    `folder` must exist; files of these names are replaced, each as a whole.
    The same results give the same bytes. Raises: OSError.
    """
    cells = measured(results)
    charts, more_charts = page_charts(cells)
    shown = []
    _no_link(folder / FIGURES)
    if charts:
        (folder / FIGURES).mkdir(mode=0o755, exist_ok=True)
    _remove_stale(folder / FIGURES, {chart.name for chart in charts})
    for chart in charts:
        drawn = figures.draw(chart)
        write_atomically(folder / FIGURES / f"{chart.name}.svg", drawn.svg)
        write_atomically(folder / FIGURES / f"{chart.name}.png", drawn.png)
        shown.append(Shown(chart, Markup(drawn.inline)))  # safe: matplotlib escapes its texts
    page = render(results, cells, shown, more_charts)
    write_atomically(folder / REPORT, page.encode("utf-8", "replace"))
    return folder / REPORT


def _no_link(folder: Path) -> None:
    """Refuse a symbolic link, so that files stay in the run's folder. Raises: OSError."""
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "a link, which may lead anywhere: remove it", str(folder))


def _remove_stale(folder: Path, names: Collection[str]) -> None:
    """Remove charts of an earlier report; only files with the names of charts."""
    for path in folder.glob("*.*") if folder.is_dir() else ():
        drawn = path.suffix in (".svg", ".png") and _CHART_NAME.fullmatch(path.stem)
        if drawn and path.stem not in names and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)
