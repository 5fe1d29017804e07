"""The costs of the harness itself: `make bench-self`. Figures, not assertions.

Each file is one figure (`runs` is shared by several of them); `__main__` prints them all.
Times alone mean little on a shared machine, so figures are ratios within one run where
possible.
"""
