"""The enterprise's side: takes kiosks' records from the broker into a database exactly once, and signs for them after the commit.

Uses of the kiosk's code only the wire codec, `device.messages`. It never sees a picture, a template or a name.
"""
