"""Carrying records to a server, beside what people take for it: `make carriers`, or `python -m bench.carriers`.

Ours are the real daemons with mutual TLS, each record verified by chain and signature, committed and signed for. The peers are
thingsboard-gateway and a Mosquitto bridge, in plain MQTT, to an endpoint that verifies nothing and writes one line a message.
"""
