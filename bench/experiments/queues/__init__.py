"""Experiments of queues: types, and messages that stay."""
