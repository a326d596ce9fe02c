"""Inside the machine: which punches the journal's file holds, as {number: time}."""

from __future__ import annotations

import json
import sqlite3


def main() -> None:
    with sqlite3.connect("file:/var/lib/daka/journal.db?mode=ro", uri=True) as opened:
        punches = {seq: json.loads(text)["at"] for seq, text in opened.execute("SELECT seq, text FROM record WHERE kind = 'punch'")}
    print(json.dumps(punches))


if __name__ == "__main__":
    main()
