"""What takes too long for every change: `make soak` plays it, and goes on where it was stopped."""
