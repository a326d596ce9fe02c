"""How each kiosk says that it is, as the table `device_state` keeps it: the last word of each, the broker's last will included."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from device import messages
from enterprise import tables
from enterprise.outcome import Said
from enterprise.store import Transaction, storable


def read(payload: bytes, device: str) -> messages.Online | messages.DeviceState:
    """The state in a message on a state topic; MessageError for anything else."""
    data = messages.open_envelope(payload, "state", device)
    if data["online"]:
        return messages.read_message(data, messages.Online)
    return messages.read_message(data, messages.DeviceState)


def remember(transaction: Transaction, said: Said, now: datetime) -> None:
    """Replace what this kiosk said before."""
    transaction.put(tables.device_state, row(said) | {"heard_at": messages.write_time(now)})
    if isinstance(said.content, messages.Online):
        text = messages.canonical(messages.CODEC.unstructure(said.content.health)).decode("utf-8")
        content = {"device": said.device, "health": text, "heard_at": messages.write_time(now)}
        transaction.put(tables.device_health, content)


def row(said: Said) -> dict[str, Any]:
    """The row of the table, without when it was heard; offline, nothing is known."""
    unknown = {column.name: None for column in tables.device_state.columns if column.nullable}
    found = unknown | {"device": said.device, "online": int(said.content.online), "session": said.content.session}
    if not isinstance(said.content, messages.Online):
        return found
    online, clock = said.content, said.content.clock
    return found | {
        "backlog": online.backlog.records,
        "oldest_age_s": online.backlog.oldest_age_s,
        "clock_at": clock.at,
        "clock_quality": clock.quality,
        "clock_source": clock.source,
        "clock_disagrees_by_us": clock.disagrees_by_us,
        "disk_free_bytes": online.disk_free_bytes,
        "software": storable(online.software),
        "system": storable(online.system),
        "machine": storable(online.machine),
        "network": storable(online.network),
    }
