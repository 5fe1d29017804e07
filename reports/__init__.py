"""Tells what was measured; knows `bench.results` and `bench.stats`, and measures nothing.

`reports.page.write` makes the page; `reports.claims` judges the chapter's
claim about all facilities, `reports.statements` those about two of them, and
`reports.trust` the run itself; `reports.gallery` says which charts there are.
"""
