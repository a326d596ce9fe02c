"""Whatever comes in from outside is used whole or refused by name: hypothesis on every run, atheris by hand (`make fuzz`)."""
