"""A child process that appends to the journal in the folder named first and prints a receipt for each record, as the screen would.

`appender.py FOLDER COUNT`: COUNT 0 means without end. A refusal prints `refused NUMBER KIND SENTENCE`, and it goes on;
the record of try NUMBER says `child NUMBER`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from device import database, messages
from tests.device import parts


def main() -> None:
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    opened = parts.open_journal(folder)
    print(f"ready {opened.head().seq}", flush=True)
    number = 0
    while not count or number < count:
        number += 1
        try:
            receipt = opened.append(messages.Boot(f"child {number}"), parts.moment(number))
        except database.StorageError as error:
            print(f"refused {number} {type(error).__name__} {error}", flush=True)
            continue
        print(f"{receipt.seq} {receipt.hash}", flush=True)


if __name__ == "__main__":
    main()
