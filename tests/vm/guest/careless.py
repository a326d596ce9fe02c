"""Inside the machine: writes numbers into a file, syncs nothing, and says each on the serial line, and at its start what it found.

What is lost shows that a power cut is one.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

FILE = Path("/srv/test/careless.txt")


def main() -> None:
    words = FILE.read_text(errors="replace").replace("\0", " ").split() if FILE.exists() else []
    number = int(words[-1]) if words else 0
    line = os.open("/dev/ttyS1", os.O_WRONLY | os.O_NOCTTY)
    os.write(line, f"\nfound {number}\n".encode())  # the last start may have been cut in the middle of a line
    with FILE.open("a") as file:
        while True:
            number += 1
            file.write(f"{number}\n")
            file.flush()
            os.write(line, f"careless {number}\n".encode())
            time.sleep(0.2)


if __name__ == "__main__":
    main()
