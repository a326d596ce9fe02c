"""Programs that run inside the emulated machine."""
