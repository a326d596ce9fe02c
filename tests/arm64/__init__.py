"""The appliance on arm64: what runs inside the root."""
