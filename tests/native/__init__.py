"""The compiled parts, and the references in C that they are held against."""
