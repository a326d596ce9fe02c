"""The kiosk page: what the screen on the wall shows, and what a person may do there.

Served on loopback by the kiosk daemon to the one browser beside it. A frame is shown and forgotten: never cached, never written.
What the page hears about a person is what it shows, and no more.
"""
