"""The way to a lock: BlueZ through bleak, with a pairing agent of our own. It moves messages and knows nothing of what they say."""
