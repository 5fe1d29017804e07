"""A small page with every kind of control, written by hand: the script's part of the contract.

The real page has the same elements, and far more rows than a test can name.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files

from ipcbench.reports.page.script import policy, source

LANGUAGES = {"python": "Python", "native": "C"}
PLACEMENTS = {"same-core": "one core", "cross-core": "two cores"}
SIZES = {64: "64 B", 1024: "1 KiB", 65536: "64 KiB"}
# Case, language, spin, placement, size, processes, what to use. None: the case fixes it.
CHOICES = (
    ("one-way", "python", "0", "same-core", 64, 2, "pipe"),
    ("one-way", "python", "0", "same-core", 65536, 2, "memory"),
    ("one-way", "python", "0", "cross-core", 64, 2, "queue"),
    ("one-way", "python", "1", "cross-core", 64, 2, "spinning"),
    ("one-way", "native", "0", "same-core", 64, 2, "pipe in C"),
    ("server", "python", None, "same-core", 64, 2, "socket, one client"),
    ("server", "python", None, "same-core", 64, 8, "socket, seven clients"),
    ("frames", "python", None, None, None, None, "frames"),
)
TITLES = {"one-way": "Small, one way", "server": "One server", "frames": "Frames of 6 MB"}
DEFAULT = ("one-way/pipe", "server/socket, one client", "frames/frames")

NONE = "\N{EN DASH}"
FIGURES = (
    ("pipe", 4.9e-6, "4.9 µs"), ("=HYPERLINK(1)", 1.2e-3, "1.2 ms"), ("fifo 10", None, NONE),
    ("fifo 9", 8e-7, "800 ns"), ('say "hi", twice', 2.0, "2 s"), ("-x", 3e-6, "3 µs"),
)  # fmt: skip
MARKS = ("pipe, 64 B: 4.9 µs", "pipe, 1 KiB: 5.2 µs", "pipe, 64 KiB: 9.1 µs")
OTHER_MARKS = ("queue, 64 B: 7 µs", "queue, 1 KiB: 8 µs")


def _row(choice: tuple[str, str, str | None, str | None, int | None, int | None, str]) -> str:
    case, language, spin, placement, size, processes, use = choice
    values = {"case": case, "language": language, "spin": spin, "placement": placement,
              "size": size, "processes": processes}  # fmt: skip
    data = " ".join(f'data-{name}="{value}"' for name, value in values.items() if value is not None)
    return (
        f'<tr {data}><th scope="row" data-label="your case">{TITLES[case]}</th>'
        f'<td data-label="use" id="{case}-{language}-{size}-{processes}-{spin}-{placement}">'
        f"{use}</td></tr>"
    )


def _missing(case: str) -> str:
    return (
        f'<tr data-case="{case}" data-missing><th scope="row" data-label="your case">'
        f'{TITLES[case]}</th><td data-label="use">not measured: ipcbench run --task {case}'
        "</td></tr>"
    )


def _options(options: dict[int, str] | dict[str, str] | dict[int, int]) -> str:
    return "".join(f'<option value="{value}">{text}</option>' for value, text in options.items())


def _radios() -> str:
    return "".join(
        f'<label><input type="radio" name="language" value="{value}"'
        f"{' checked' if value == 'python' else ''}> {text}</label> "
        for value, text in LANGUAGES.items()
    )


def _chooser() -> str:
    rows = "".join(map(_row, CHOICES)) + "".join(map(_missing, TITLES))
    first = "".join(_row(one) for one in CHOICES if f"{one[0]}/{one[-1]}" in DEFAULT)
    chosen = first.replace(' id="', ' data-was="')
    head = '<thead><tr><th scope="col">your case</th><th scope="col">use</th></tr></thead>'
    return f"""<section id="answers"><h2>What should I use?</h2>
<form id="chooser" hidden><fieldset><legend>language</legend>{_radios()}</fieldset>
<label><input type="checkbox" name="spin"> a core may spin</label>
<label>size <select name="size">{_options(SIZES)}</select></label>
<label>processes <select name="processes">{_options({2: 2, 8: 8})}</select></label>
<label>placement <select name="placement">{_options(PLACEMENTS)}</select></label></form>
<table id="chosen" class="cards"><caption>Recommended</caption>{head}<tbody>{chosen}</tbody></table>
<details id="all-answers"><summary>All answers</summary>
<table id="choices" class="cards"><caption>All</caption>{head}<tbody>{rows}</tbody></table>
</details></section>"""


def _figures() -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        f"<td{'' if raw is None else f' data-value={chr(34)}{raw}{chr(34)}'}>{text}</td></tr>"
        for name, raw, text in FIGURES
    )
    return f"""<section id="evidence"><h2>Evidence</h2>
<details id="all-figures"><summary>All figures</summary><div class="scroll">
<table id="figures" class="sortable filterable"><caption>All figures</caption>
<thead><tr><th scope="col">transport</th><th scope="col">median</th></tr></thead>
<tbody>{rows}</tbody></table></div>
<table id="spanned" class="sortable"><caption>Spanned</caption>
<thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>
<tbody><tr><td colspan="2">both</td></tr></tbody></table>
<table id="drawn" class="sortable"><caption>Drawn</caption>
<thead><tr><th scope="col">a</th><th scope="col" aria-label="drawing"></th>
<th scope="col"><a href="#deep">c</a></th></tr></thead>
<tbody><tr><td>1</td><td></td><td>3</td></tr></tbody></table>
<details><summary>More</summary><p id="deep">deep inside</p></details></details></section>"""


def _chart(name: str, marks: tuple[str, ...], left: int) -> str:
    drawn = "".join(
        f'<g class="mark" aria-label="{text}"><title>{text}</title>'
        f'<circle cx="{left + 150 * place}" cy="50" r="8"/></g>'
        for place, text in enumerate(marks)
    )
    return f"""<figure class="chart" id="chart-{name}"><h3 id="title-{name}">Chart {name}</h3>
<svg role="img" aria-labelledby="title-{name}" viewBox="0 0 600 100" width="600">{drawn}</svg>
<figcaption>Times.</figcaption></figure>"""


def page() -> str:
    """Write the page, with the script and the policy of the real one."""
    templates = files("ipcbench.reports.page") / "templates"
    style = (templates / "style/controls.css").read_text(encoding="utf-8")
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>A small page</title>
<style>:root {{ --card: #fff; --ink: #1f2430; --page: #f5f6f8; --muted: #5a6472;
--accent: #0b5cad; }}
{style}</style></head>
<body><header><h1>A small page</h1><p><a class="csv" href="results.csv" download>csv</a>
<a class="csv" href="suite.json" download>json</a> <a href="#deep">to the deep</a>
<a href="#all-answers">to all of them</a></p></header>
<main>{_chooser()}{_chart("one", MARKS, 50)}{_chart("two", OTHER_MARKS, 50)}{_figures()}
<div style="height: 2000px"></div></main>
<script>{source()}</script></body></html>"""
