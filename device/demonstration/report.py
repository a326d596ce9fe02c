"""What the demonstration prints: the walk-ups with their rows in the database, what left the kiosk, and whether both ends agree."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from device import api
from device.demonstration.director import Played
from device.demonstration.theatre import DEVICE, House, database, enterprise
from device.demonstration.watch import Seen


@dataclass(frozen=True, slots=True)
class Row:
    """A punch as the enterprise's database has it."""

    seq: int
    hash: str
    person: str
    direction: str


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that was shown; `agree` when kiosk and database end with the same head hash."""

    played: tuple[Played, ...]
    rows: tuple[Row, ...]
    seen: Seen
    verified: api.Verified
    database_says: str
    agree: bool

    @property
    def right(self) -> bool:
        """Every decision as the scene calls for, every punch in the database, both chains the same."""
        stored = {row.seq for row in self.rows}
        punched = {played.seq for played in self.played if played.outcome == "punched"}
        return all(played.right for played in self.played) and punched == stored and self.agree


def rows(house: House) -> tuple[Row, ...]:
    """The punches in the enterprise's database, read as anybody could: read-only, with a plain SELECT."""
    with sqlite3.connect(f"file:{house.database}?mode=ro", uri=True) as connection:
        found = connection.execute("SELECT seq, hash, body FROM record WHERE device = ? AND kind = 'punch' ORDER BY seq", (DEVICE,))
        return tuple(_row(*row) for row in found)


def _row(seq: int, digest: bytes | str, body: bytes | str) -> Row:
    punch = json.loads(body)["body"]
    return Row(seq, digest if isinstance(digest, str) else digest.hex(), punch["person"], punch["direction"])


def collect(house: House, client: api.AdminClient, played: tuple[Played, ...], seen: Seen) -> Result:
    """Both ends asked, and held against each other."""
    verified = client.verify()
    words = enterprise("verify", "--database", database(house), DEVICE)
    agree = verified.acknowledged == verified.seq and verified.hash in words
    return Result(played, rows(house), seen, verified, words.strip(), agree)


def show(result: Result, console: Console) -> None:
    """The whole report."""
    console.print(_walk_ups(result))
    console.print("The camera is simulated, so liveness is not assessed. The records say so; a production policy refuses them.\n")
    console.print(f"What left the kiosk, as a second subscriber at the broker counted it: {result.seen.records} records")
    console.print(_left(result.seen))
    _sockets(result.seen, console)
    _both_ends(result, console)
    verdict = "[green]Every decision is right, every punch is stored once, both ends have the same head.[/]"
    console.print(f"\n{verdict if result.right else '[red]Something is not as it should be; see the lines above.[/]'}")


def _walk_ups(result: Result) -> Table:
    table = Table(
        "who walked up", "decided", "why", "receipt", "in the database", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False
    )
    stored = {row.seq: row for row in result.rows}
    for played in result.played:
        table.add_row(
            played.scene.title,
            decided(played) + ("" if played.right else " [red]wrong[/]"),
            why(played),
            f"#{played.seq} {played.hash[:8]}" if played.outcome == "punched" else "-",
            _stored(played, stored.get(played.seq)),
        )
    return table


def decided(played: Played) -> str:
    """The decision in a word or two."""
    return f"{played.number} {played.direction}" if played.outcome == "punched" else "refused"


def why(played: Played) -> str:
    """Its reason in a few words."""
    if played.outcome == "punched":
        return f"{played.votes} looks agree" + (f", try {played.tries}" if played.tries > 1 else "")
    if played.why == "too_soon":
        return f"has #{played.seq} already"
    sentences = {"stranger": "not enrolled", "liveness_failed": "a picture, not a person"}
    return sentences.get(played.why, played.why)


def _stored(played: Played, row: Row | None) -> str:
    if played.outcome != "punched":
        return "-"
    return f"#{row.seq} {row.hash[:8]}" if row else "[red]missing[/]"


def _left(seen: Seen) -> Table:
    table = Table("topic", "messages", "bytes", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for topic in sorted(seen.messages):
        table.add_row(topic, str(seen.messages[topic]), str(seen.bytes[topic]))
    return table


def _sockets(seen: Seen, console: Console) -> None:
    console.print("Internet sockets of its processes, looked at four times a second")
    for daemon in sorted(seen.watched):
        addresses = sorted(address for name, address in seen.sockets if name == daemon)
        console.print(f"  {daemon}: {', '.join(addresses) if addresses else 'none'}", highlight=False)


def _both_ends(result: Result, console: Console) -> None:
    found = result.verified
    console.print("\nThe kiosk's journal: every hash, predecessor and signature holds", highlight=False)
    console.print(f"  records 1 to {found.seq}, head {found.hash[:16]}...", highlight=False)
    console.print(f"  acknowledged up to {found.acknowledged}, signed by the server key that this kiosk pins", highlight=False)
    console.print("The enterprise's database, as daka-enterprise verify reads it", highlight=False)
    for line in result.database_says.splitlines():
        console.print(f"  {line}", highlight=False)


def as_json(result: Result) -> dict[str, Any]:
    """The same for a program."""
    return {
        "right": result.right,
        "played": [{**asdict(played), "scene": played.scene.title} for played in result.played],
        "rows": [asdict(row) for row in result.rows],
        "sockets": sorted(result.seen.sockets),
        "watched": sorted(result.seen.watched),
        "messages": result.seen.messages,
        "bytes": result.seen.bytes,
        "records": result.seen.records,
        "verified": asdict(result.verified),
        "database_says": result.database_says,
    }
