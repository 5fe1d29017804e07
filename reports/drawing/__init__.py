"""Drawing of charts: the only folder that imports matplotlib."""
