"""Parts that a sweep and a comparison of two arms have in common."""
