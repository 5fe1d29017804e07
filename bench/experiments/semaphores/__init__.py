"""Experiments with semaphores: what they guard, how they wait, and what misuse does."""
