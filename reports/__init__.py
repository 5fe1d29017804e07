"""Reports: tell what a run measured; import `bench.results` and `bench.stats`, measure nothing.

`page` makes the page, `verdicts` judges the run and the chapter's statements, `charts` says
which charts there are, `drawing` draws them, and `gate` checks a run against promises.
"""
