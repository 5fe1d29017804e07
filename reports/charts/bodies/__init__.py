"""The kinds of charts as plain data in SI units."""
