"""The daemon that has the radio never loads what sees a face; asked of a real process, not of the source."""

from __future__ import annotations

from tests.device.test_what_the_uplink_loads import NEVER, loaded_by


def test_the_bridge_loads_nothing_that_sees_a_face() -> None:
    loaded = loaded_by("import firmware_bridge.commands.run_bridge")
    assert {"firmware_bridge.bridge", "bleak"} <= loaded
    assert not loaded & set(NEVER)


def test_the_protocol_loads_neither_radio_nor_socket() -> None:
    loaded = loaded_by("import firmware_bridge.protocol.lock, firmware_bridge.protocol.kiosk")
    assert not {name for name in loaded if name.partition(".")[0] in ("bleak", "bumble", "dbus_fast", "flask", "httpx", "asyncio")}
