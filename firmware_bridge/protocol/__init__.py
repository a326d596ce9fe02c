"""The contract lock's profile: bytes in, values and bytes out. It knows no radio and has no clock and no randomness of its own.

`frames` cuts messages to the link's size, `session` makes a channel that only the two enrolled keys can have, `commands` are what
is said in it, `machine` is the lock's state table and `lock` the lock itself, `kiosk` the other end. See docs/contract-lock.md.
"""
