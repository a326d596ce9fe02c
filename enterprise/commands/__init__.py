"""The command line of the enterprise's side, one module a group."""
