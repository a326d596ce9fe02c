"""The `daka` command line; each group is a module, loaded only when asked for, so that the uplink loads no model."""
