"""Building blocks that most transports share."""
