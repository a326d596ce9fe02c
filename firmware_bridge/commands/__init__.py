"""The bridge's part of the `daka` command."""
