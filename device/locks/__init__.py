"""The kiosk's side of contract locks: which approvals there are, that the person was verified, and the locks' events on record.

It never touches a radio: the bridge does that, in a daemon of its own. The grant-use key stays here; the bridge gets signatures.
"""
