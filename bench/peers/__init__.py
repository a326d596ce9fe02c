"""Other people's software, run beside ours, each in a process of its own."""
