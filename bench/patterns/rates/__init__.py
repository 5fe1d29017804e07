"""Patterns of an open loop: messages at a rate."""
