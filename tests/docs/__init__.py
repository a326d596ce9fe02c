"""The documents say what holds."""
