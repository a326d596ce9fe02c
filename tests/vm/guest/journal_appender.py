"""Inside a bare machine: the product's journal on ext4. Says what it kept, then appends without end and says each receipt.

Beside each record it writes a line into a file that nobody syncs.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from device import clock, journal, keys, messages

FOLDER = Path("/srv/test/state")
CARELESS = Path("/srv/test/careless.txt")


def main() -> None:
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    line = os.open("/dev/ttyS1", os.O_WRONLY | os.O_NOCTTY)
    time = clock.SystemClock()
    opened = journal.open_journal(FOLDER / "journal.db", "kiosk-1", keys.journal_key(FOLDER / "keys"), "daka vm", time.now())
    kept = "".join(f"kept {record.seq} {record.hash.hex()}\n" for record in opened.of_kinds(("genesis", "boot")))
    os.write(line, kept.encode())
    words = CARELESS.read_text(errors="replace").replace("\0", " ").split() if CARELESS.exists() else []
    os.write(
        line,
        f"found {words[-1] if words else 0}\nverified {opened.verify().seq} {len(list(FOLDER.glob('*.damaged-*')))}\n".encode(),
    )
    with CARELESS.open("a") as careless:
        for number in itertools.count(int(words[-1]) + 1 if words else 1):
            careless.write(f"{number}\n")
            careless.flush()
            receipt = opened.append(messages.Boot(f"cut {number}"), time.now())
            os.write(line, f"receipt {receipt.seq} {receipt.hash}\ncareless {number}\n".encode())


if __name__ == "__main__":
    main()
