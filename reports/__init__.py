"""Reports on a run: they import `bench.results` and `bench.stats`, and measure nothing.

`page` writes the page, `verdicts` assesses the run and decides the chapter's statements,
`charts` has the charts as data, `drawing` draws them, and `gate` checks a run against its
promises.
"""
