"""What the harness itself costs: `make bench-self`. Figures, not assertions.

Each file is one figure (`runs` plays what several of them compare); `__main__`
prints them all. Times on a shared machine mean little alone, so what can be a
ratio within one run is one.
"""
