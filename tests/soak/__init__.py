"""Trials that take too long for every change: `make soak` runs them and can be resumed."""
