"""The material of the templates, section by section."""
