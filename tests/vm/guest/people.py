"""Inside the machine, by the product's own Python: people with a PIN of their own, made through the kiosk's own socket.

usage: people.py, with {"people": {number: pin, ...}, "badges": {number: badge, ...}} on standard input
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from device import api

BY = "installer"


def main() -> None:
    wanted = json.load(sys.stdin)
    with api.PeopleClient(Path("/run/daka/kiosk-admin.sock")) as kiosk:
        rows = "".join(f"{number},Employee {number}\n" for number in wanted["people"])
        report = kiosk.import_list(f"number,name\n{rows}", BY, dry_run=False)
        assert report.applied, report
        for number, pin in wanted["people"].items():
            assigned = kiosk.set_pin(number, "", BY).pin
            changed = kiosk.change_pin(number, assigned, pin)
            assert changed.outcome == "pin_changed", changed.why
        for number, badge in wanted["badges"].items():
            kiosk.add_badge(number, badge, BY)
    print(len(wanted["people"]))


if __name__ == "__main__":
    main()
