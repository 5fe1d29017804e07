"""Lists of what there is to measure, as data and as tables."""
