"""Whom a number means, and who has left: names and messages go at once; number, group and day of leaving stay until an erasure.

The records of whoever has left are still here. Without the number nobody could say whose they are, nor have them erased.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from device import messages
from device.messages import RosterPerson
from enterprise import attendance, downlink, tables
from enterprise.errors import EnterpriseError
from enterprise.store import Transaction

ID = re.compile(r"p-[0-9a-f]{32}")


class NobodyMeant(EnterpriseError):
    """A number or id that means nobody here, or several; the message says whom."""


def leave(transaction: Transaction, device: str, people: Iterable[RosterPerson], at: datetime) -> None:
    """Take these off the roster of `device`; of whoever is on no other one the messages go, and the number is remembered."""
    leaving = list(people)
    downlink.drop(transaction, device, "roster", [person.person for person in leaving])
    staying = {item for _, item, _ in _rosters(transaction.connection)}
    for person in leaving:
        if person.person not in staying:
            downlink.forget(transaction, person.person)
            row = {"person": person.person, "number": person.number, "group": person.group}
            transaction.put(tables.leaver, row | {"left_at": messages.write_time(at)})


def former(connection: Connection) -> dict[str, str]:
    """The id of whoever had each number and has left; a number that several had, one after the other, is nobody's."""
    found: dict[str, list[str]] = {}
    for row in connection.execute(select(tables.leaver.c.number, tables.leaver.c.person)):
        found.setdefault(row.number, []).append(row.person)
    return {number: people[0] for number, people in found.items() if len(people) == 1}


def come_back(transaction: Transaction, person: str) -> None:
    """They are on a roster again."""
    transaction.connection.execute(tables.leaver.delete().where(tables.leaver.c.person == person))


def meant(connection: Connection, who: str) -> str:
    """The opaque id of one person, by it or by their number: on any kiosk's roster, or gone. NobodyMeant otherwise."""
    shared = attendance.aliases(connection)
    if ID.fullmatch(who):
        person = shared.get(who, who)
        if not _known(connection, person) and not _known(connection, who):
            raise NobodyMeant(f"nothing here is about {who}; copy the id again")
        return person
    found = {item: f"on the roster of {device or 'every kiosk'}" for device, item, number in _rosters(connection) if number == who}
    column = tables.leaver.c
    gone = connection.execute(select(column.person, column.left_at).where(column.number == who))
    left = {row.person: f"left on {row.left_at[:10]}" for row in gone}
    found |= {person: when for person, when in left.items() if shared.get(person) not in found}  # else a kiosk has met them again
    if not found:
        raise NobodyMeant(f"nobody who is on a roster, or has left one, has employee number {who}; name the records' id p-...")
    if len(found) > 1:
        several = "; ".join(f"{person} {where}" for person, where in sorted(found.items()))
        raise NobodyMeant(f"number {who} means several, so name the id of the right one: {several}")
    return next(iter(found))


def _rosters(connection: Connection) -> list[tuple[str, str, str]]:
    """Kiosk, id and number of everybody on each roster."""
    column = tables.wish.c
    query = select(column.device, column.item, column.content).where(column.section == "roster", column.item != downlink.EVERY)
    return [(row.device, row.item, json.loads(row.content)["number"]) for row in connection.execute(query).all()]


def _known(connection: Connection, person: str) -> bool:
    wish, leaver, record = tables.wish.c, tables.leaver.c, tables.record.c
    places = (
        select(wish.item).where(wish.section == "roster", wish.item == person),
        select(leaver.person).where(leaver.person == person),
        select(record.person).where(record.person == person),
    )
    return any(connection.execute(query.limit(1)).first() is not None for query in places)
