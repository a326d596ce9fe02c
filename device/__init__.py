"""The kiosk: everything between a frame and a record, and the uplink that carries the records away."""

__version__ = "0.1.0"
SOFTWARE = f"daka {__version__}"
