"""The repository about itself: its rooms, its rules, its files."""
