"""What both ends of the Bluetooth link must agree on: identifiers and limits. The table stands in docs/contract-lock.md."""

from __future__ import annotations

from datetime import timedelta

SERVICE = "da4a0001-1c0c-4b7e-9a53-6f0d2e8b7c11"
INFORMATION = "da4a0002-1c0c-4b7e-9a53-6f0d2e8b7c11"  # read, open: version, model, name of the maker; nothing that names the lock
TO_LOCK = "da4a0003-1c0c-4b7e-9a53-6f0d2e8b7c11"  # write, on a link that a person has vouched for (MITM) only
FROM_LOCK = "da4a0004-1c0c-4b7e-9a53-6f0d2e8b7c11"  # notify, the same

MOST_FRAME_BYTES = 244  # an ATT_MTU of 247: one packet of the data length extension
ADVERTISED_NAME_BYTES = 8  # with flags and a 128-bit service it fills the 31 bytes that passive scanners see
IDLE = timedelta(seconds=60)  # a link on which nothing is said is dropped by the lock: only one kiosk can be connected
