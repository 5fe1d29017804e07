"""Tells what was measured; knows `bench.results` and `bench.stats`, and measures nothing.

`reports.page.write` makes the page; `reports.claims` judges the chapter's
statements, `reports.trust` the run itself.
"""
