"""The contract lock. Reserved: nothing is built here yet; the lock's protocol, link and daemon come with it."""
