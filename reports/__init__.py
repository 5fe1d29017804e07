"""Tells what was measured; knows `bench.results` and `bench.stats`, and measures nothing.

`ipcbench.reports.page.write` makes the page; `ipcbench.reports.claims` judges the chapter's
claim about all facilities, `ipcbench.reports.statements` those about two of them, and
`ipcbench.reports.trust` the run itself; `ipcbench.reports.gallery` says which charts there are.
"""
