"""The uplink daemon with the sockets' folder beside it, and with less patience: `uplink.py STATE RUN`."""

from __future__ import annotations

import sys
from pathlib import Path

from device import api, carrying, messages, mqtt, service, state, supervisor
from device.commands import run_uplink
from device.uplink import Patience, Uplink

HURRIED = Patience(answer=2.0, stall=4.0, retry=2.0)  # the faults of a day in minutes


def main() -> None:
    folder = state.Folder(Path(sys.argv[1]), sockets=Path(sys.argv[2]))
    settings, stop = carrying.read(folder.config), supervisor.stop_on_signals()
    device, topics = settings.device, messages.topics(settings.device)
    with api.UplinkClient(folder.uplink_socket) as client:
        goodbye = run_uplink._first_goodbye(client, stop, service.Service())
        if goodbye is not None:
            broker = settings.broker(folder.root)
            pipe = mqtt.PahoPipe(broker, device, (topics.acknowledgement, messages.SERVER_STATE_TOPIC), (topics.state, goodbye))
            Uplink(device, client, pipe, HURRIED).run(stop)


if __name__ == "__main__":
    main()
