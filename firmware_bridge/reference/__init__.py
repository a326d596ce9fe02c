"""A lock that speaks the profile: for tests, for the demonstration, and as an example for firmware engineers."""
