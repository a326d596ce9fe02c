"""The kiosk's screen: a browser inside a compositor, led so that only the kiosk page or our own waiting page is ever seen on it.

Runs as a user of its own without a network; imports nothing of the kiosk daemon.
"""
