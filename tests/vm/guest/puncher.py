"""Inside the machine, in the display's place: punches by number and PIN through the kiosk page.

Every receipt that the screen gets is written to the serial line at once.
usage: puncher.py MOST SECONDS, with {number: pin, ...} in /srv/test/people.json; ends after MOST receipts or after so long.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

LINE = "/dev/ttyS1"
PAGE = Path("/run/daka/page/page.url")
PAUSE_S = 0.5


def ask(path: str, body: dict[str, str]) -> Any:
    """One question to the page, as its script asks."""
    host, _, token = PAGE.read_text().strip().removeprefix("http://").partition("/#")
    headers = {"Daka-Token": token, "Origin": f"http://{host}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    if answer.status != 200:
        raise OSError(f"{path} answered {answer.status}: {raw[:200]!r}")
    return json.loads(raw)


def main() -> None:
    most, seconds = int(sys.argv[1]), float(sys.argv[2])
    people = json.loads(Path("/srv/test/people.json").read_text())
    line = os.open(LINE, os.O_WRONLY | os.O_NOCTTY)
    os.write(line, b"\n")  # the last start may have been cut in the middle of a line
    ends, shown = time.monotonic() + seconds, 0
    for number, pin in itertools.cycle(people.items()):
        if shown >= most or time.monotonic() > ends:
            break
        try:
            said = ask("/v1/ways/pin", {"number": number, "pin": pin})
        except (OSError, http.client.HTTPException):
            time.sleep(PAUSE_S)  # the kiosk is not there yet
            continue
        if said["outcome"] == "punched":
            shown += 1
            os.write(line, f"receipt {said['seq']} {said['at']}\n".encode())
        else:
            os.write(line, f"refused {said['why']}\n".encode())
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()
