"""The contract lock: its protocol, the link to it, the daemon that talks to it, and a reference lock that speaks the profile."""
