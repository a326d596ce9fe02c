"""What is done at a lock, one thing at a time: pairing, a stamp, its log, its health. Drivers by entry point."""
