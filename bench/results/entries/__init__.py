"""Parts of a journal's entries, and checks of what they hold."""
