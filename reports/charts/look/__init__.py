"""The look of charts: units, colours, and markers."""
