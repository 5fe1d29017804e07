"""Payloads that are written anew for each message: pools of buffers, and arrays."""
