"""Shared memory as a product: a segment kind (kinds.py) times a waiter kind, and a ring over both.

The transports are in transport.py.
"""
