"""Sockets: unix(7), tcp(7)."""
