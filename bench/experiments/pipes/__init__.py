"""Experiments of pipes: deadlocks, and ways to prevent them."""
