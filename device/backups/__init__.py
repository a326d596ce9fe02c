"""Backups: everything that a kiosk needs to be itself again, in one sealed file, and the way back from it."""
