"""The compiled parts, and the reference programs in C that they are compared with."""
