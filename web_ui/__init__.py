"""The administrators' web UI: HTTPS on the local network, a daemon of its own.

It asks the kiosk daemon over one unix socket and opens nothing else of the kiosk; no picture and no template is in any answer.
"""
