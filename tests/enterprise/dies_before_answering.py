"""The ingest daemon, except that it kills itself where it is about to publish its first acknowledgement: after the commit."""

from __future__ import annotations

import os
import signal

from enterprise import mqtt
from enterprise.commands import main as commands


def die(_link: mqtt.Link, _topic: str, _payload: bytes) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


mqtt.Link.publish = die  # type: ignore[method-assign,assignment]
commands.main()
