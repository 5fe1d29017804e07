"""Patterns whose messages are written anew: the payloads `fresh`, `cold` and `array`."""
