"""Synchronisation: waiters, signals and guards."""
