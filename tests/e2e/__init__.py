"""The whole line, with real processes, a real broker and real databases."""
