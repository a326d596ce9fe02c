"""`daka-enterprise desired`: what is wanted of kiosks, by whom; each command signs and seals the kiosks' next states at once."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection, select

from device import messages
from enterprise import downlink, endings, leavers, policies, roster, show, tables
from enterprise.commands.shared import database_option, now, opened_database, print_table
from enterprise.commands.signing import decided, deciding, options, place_text, sign_states
from enterprise.downlink import EVERY
from enterprise.errors import EnterpriseError
from enterprise.store import Transaction

MOST_DAYS = 366
MANY_LEAVE = (
    "the list names nobody, or more than a tenth of the people would leave, so nothing of it was taken; "
    "is the file whole? If it is meant: --many-leave"
)


device_option = click.option("--device", default=EVERY, help="Only this kiosk; without it, every one.")


@click.group("desired")
def desired_group() -> None:
    """What is wanted of kiosks: roster, policy, retention, messages, withdrawals and erasures, grants, records again.

    Each command signs the kiosks' next states with the policy key; the ingester sends them, and again until the kiosk has them.
    """


@desired_group.command("roster")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--many-leave", is_flag=True, help="It is meant that more than a tenth of the people, or everybody, leave at once.")
@click.option("--same-people", is_flag=True, help="Whoever had left and stands in FILE again by number is the same person.")
@device_option
@options
def roster_command(
    file: Path, dry_run: bool, many_leave: bool, same_people: bool, device: str, by: str, folder: Path, database: str
) -> None:
    """Take over FILE (CSV) as the whole roster: whoever is no more in it leaves. All of it is taken, or nothing."""
    rows = roster.read(_text(file))
    with opened_database(database) as opened:
        with opened.reading() as connection:
            before = _roster(connection, device), leavers.former(connection)
        standing, former = before
        change = roster.compare(rows, standing, former if same_people else {})  # hashes each PIN: the ingester must write meanwhile
        _say_change(change, standing, former)
        if change.many_leave and not many_leave:
            raise EnterpriseError(MANY_LEAVE)
        if dry_run:
            return
        with decided(opened) as transaction:
            if (_roster(transaction.connection, device), leavers.former(transaction.connection)) != before:
                raise EnterpriseError(
                    "somebody else has changed the roster meanwhile, so nothing of this list was taken; try again"
                )
            _take_over(transaction, device, standing, change, by)
            sign_states(transaction, folder, device)


def _say_change(change: roster.Change, standing: Mapping[str, messages.RosterPerson], former: Mapping[str, str]) -> None:
    click.echo(f"{change.added} added, {change.changed} changed, {len(change.leaving)} leave")
    added = [person for key, person in change.people.items() if key not in standing]
    anew = sum(former.get(one.number, one.person) != one.person for one in added)
    if anew:
        click.echo(f"{anew} of those added have the number of somebody who had left; if they are the same people: --same-people")


def _roster(connection: Connection, device: str) -> dict[str, messages.RosterPerson]:
    found = downlink.wishes(connection, device, "roster")
    return {item: messages.CODEC.structure(plain, messages.RosterPerson) for item, (plain, _) in found.items() if item}


def _take_over(
    transaction: Transaction, device: str, standing: Mapping[str, messages.RosterPerson], change: roster.Change, by: str
) -> None:
    leavers.leave(transaction, device, [standing[item] for item in change.leaving], now())
    for item, person in change.people.items():
        if standing.get(item) != person:
            leavers.come_back(transaction, item)
            downlink.wish(transaction, device, "roster", item, messages.CODEC.unstructure(person), by, now())
    downlink.wish(transaction, device, "roster", EVERY, {}, by, now())


@desired_group.command("policy")
@click.argument("settings", nargs=-1, required=True, metavar="NAME=VALUE...")
@click.option("--newer", is_flag=True, help="For kiosks newer than this server: take names and values that it does not know.")
@device_option
@options
def policy_command(settings: tuple[str, ...], newer: bool, device: str, by: str, folder: Path, database: str) -> None:
    """Decide settings, VALUE as in config.toml; NAME= without a value leaves the setting to the kiosk again."""
    with deciding(database) as transaction:
        for name, value in (_pair(setting) for setting in settings):
            if value:
                policies.check(name, value, newer=newer)
                downlink.wish(transaction, device, "policy", name, {"value": value}, by, now())
            else:
                downlink.drop(transaction, device, "policy", [name])
        sign_states(transaction, folder, device)


@desired_group.command("retention")
@click.argument("classes", nargs=-1, required=True, metavar="CLASS=DAYS...")
@device_option
@options
def retention_command(classes: tuple[str, ...], device: str, by: str, folder: Path, database: str) -> None:
    """How long kiosks keep which class of data; CLASS= without a number leaves it to the kiosk again."""
    with deciding(database) as transaction:
        for name, days in (_pair(one) for one in classes):
            if not days:
                downlink.drop(transaction, device, "retention", [name])
            elif days.isdecimal():
                downlink.wish(transaction, device, "retention", name, {"days": int(days)}, by, now())
            else:
                raise EnterpriseError(f"{name}={days}: write a number of days")
        sign_states(transaction, folder, device)


@desired_group.command("message")
@click.argument("text")
@click.option("--to", "number", default="", help="Employee number; without it, to everybody.")
@click.option("--days", type=click.IntRange(1, MOST_DAYS), default=1, show_default=True, help="How long it is shown.")
@device_option
@options
def message_command(text: str, number: str, days: int, device: str, by: str, folder: Path, database: str) -> None:
    """Show TEXT to one person after their next punches, or to everybody."""
    begins = now()
    with deciding(database) as transaction:
        person = person_of(transaction, device, number).person if number else ""
        ends = messages.write_time(begins + timedelta(days=days))
        content = {"person": person, "text": text, "begins_at": messages.write_time(begins), "ends_at": ends}
        _list(transaction, device, "notices", content, by)
        sign_states(transaction, folder, device)


@desired_group.command("tombstone")
@click.argument("who")
@click.option("--act", type=click.Choice([act.value for act in messages.TombstoneAct]), required=True, help="What ended.")
@options
def tombstone_command(who: str, act: str, by: str, folder: Path, database: str) -> None:
    """Have every kiosk follow that WHO took the consent back, or is to be erased; the latter takes them off every roster, too.

    WHO is an employee number, also of somebody who has left, or the opaque id p-... of the records.
    """
    with deciding(database) as transaction:
        person = leavers.meant(transaction.connection, who)
        _list(transaction, EVERY, "tombstones", {"person": person, "number": "", "act": act, "at": messages.write_time(now())}, by)
        if act == messages.TombstoneAct.ERASED:
            downlink.forget(transaction, person)
        click.echo(f"{person}: {act}")
        sign_states(transaction, folder, EVERY)


@desired_group.command("follow")
@options
def follow_command(by: str, folder: Path, database: str) -> None:
    """Have every kiosk follow the withdrawals and erasures that were made at one of them; safe to run as often as wished."""
    with deciding(database) as transaction:
        known = downlink.wishes(transaction.connection, EVERY, "tombstones")
        fresh = [one for one in endings.found(transaction.connection) if one.id not in known]
        for one in fresh:
            content = {"id": one.id, "person": one.person, "number": "", "act": one.act.value, "at": one.at}
            downlink.wish(transaction, EVERY, "tombstones", one.id, content, one.by, now())
        erased = [one.person for one in fresh if one.act is messages.TombstoneAct.ERASED]
        for person in erased:
            downlink.forget(transaction, person)
        click.echo(f"{len(fresh)} to follow, {len(erased)} of them erasures")
        if fresh:
            sign_states(transaction, folder, EVERY)


@desired_group.command("rewind")
@click.argument("device")
@click.option("--after", type=click.IntRange(0), required=True, help="Number of the last record that is not wanted again.")
@options
def rewind_command(device: str, after: int, by: str, folder: Path, database: str) -> None:
    """Have DEVICE send its records after number AFTER once more; what is here already is compared, not stored twice."""
    with deciding(database) as transaction:
        column = tables.epoch.c
        epoch = transaction.connection.scalar(
            select(column.epoch).where(column.device == device).order_by(column.last_seen.desc()).limit(1)
        )
        if epoch is None:
            raise EnterpriseError(f"{device} has no journal here; see: daka-enterprise show devices")
        _list(transaction, device, "rewinds", {"epoch": epoch, "after": after}, by)
        sign_states(transaction, folder, device)


@desired_group.command("grant")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--id", "item", required=True, help="The grant's id.")
@click.option("--device", required=True, help="The kiosk that may use it.")
@options
def grant_command(file: Path, item: str, device: str, by: str, folder: Path, database: str) -> None:
    """Send the contract lock's grant in FILE (COSE) to a kiosk."""
    cose = base64.b64encode(file.read_bytes()).decode("ascii")
    with deciding(database) as transaction:
        downlink.wish(transaction, device, "grants", item, {"id": item, "cose": cose}, by, now())
        sign_states(transaction, folder, device)


@desired_group.command("drop")
@click.argument("section", type=click.Choice(["notices", "grants", "rewinds", "tombstones"]))
@click.argument("item")
@device_option
@options
def drop_command(section: str, item: str, device: str, by: str, folder: Path, database: str) -> None:
    """Want the ITEM of SECTION no more, such as a message that is out of date."""
    with deciding(database) as transaction:
        if not downlink.drop(transaction, device, section, [item]):
            raise EnterpriseError(
                f"there is no {item} among the {section} of {device or 'every kiosk'}; see: daka-enterprise desired show"
            )
        sign_states(transaction, folder, device)


@desired_group.command("sign")
@device_option
@options
def sign_command(device: str, by: str, folder: Path, database: str) -> None:
    """Sign and seal what stands anew, for a kiosk that is new here, has a new key or knows of a later state than this database."""
    with deciding(database) as transaction:
        sign_states(transaction, folder, device)


@desired_group.command("show")
@database_option
def show_command(database: str) -> None:
    """Each wish and who asked for it, and how far each kiosk has followed."""
    with opened_database(database) as opened, opened.reading() as connection:
        column = tables.wish.c
        wishes = connection.execute(select(tables.wish).order_by(column.section, column.device, column.item)).all()
        states, without = downlink.standing(connection), downlink.unsigned(connection)
    rows = [
        (row.device or "(every)", row.section, row.item, _wanted_value(row.content), row.asked_by, row.asked_at)
        for row in wishes
        if row.item
    ]
    print_table(show.drawn("wanted", ("kiosk", "section", "item", "value", "asked by", "asked at"), rows))
    places = [(one.device, place_text(one.signed), place_text(one.taken), one.signed_at) for one in states]
    places += [(device, "nothing: daka-enterprise desired sign", "", "") for device in without]
    print_table(show.drawn("states", ("kiosk", "signed", "taken", "signed at"), places))


def _wanted_value(content: str) -> str:
    """What was decided of a setting, or for how many days; nothing of a person or a message."""
    plain = json.loads(content)
    return str(plain.get("value", plain.get("days", "")))


@desired_group.command("results")
@click.option("--most", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@database_option
def results_command(most: int, database: str) -> None:
    """What kiosks did of it, newest first: who had asked, and what could not be done."""
    with opened_database(database) as opened, opened.reading() as connection:
        rows = [_result(row) for row in connection.execute(downlink.results(most))]
    print_table(show.drawn("results", ("kiosk", "state", "at", "outcome", "done", "not done"), rows))


def _result(row: Any) -> tuple[str, ...]:
    body = messages.parse(row.body.encode("utf-8"))["body"]
    done = ", ".join(f"{one['section']} {one['changed']} ({one['by']})" for one in body["sections"])
    problems = "; ".join(f"{one['section']} {one['item']}: {one['why']}" for one in body["problems"])
    return (row.device, f"{body['generation']}/{body['version']}", row.at, body["outcome"], done, problems)


def _list(transaction: Transaction, device: str, section: str, content: dict[str, Any], by: str) -> None:
    item = f"{section[:-1]}-{secrets.token_hex(8)}"
    downlink.wish(transaction, device, section, item, {"id": item, **content}, by, now())


def person_of(transaction: Transaction, device: str, number: str) -> messages.RosterPerson:
    for plain, _ in (
        downlink.wishes(transaction.connection, EVERY, "roster") | downlink.wishes(transaction.connection, device, "roster")
    ).values():
        if plain.get("number") == number:
            return messages.CODEC.structure(plain, messages.RosterPerson)
    raise EnterpriseError(f"nobody on the roster has employee number {number}")


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise EnterpriseError(f"{text}: write NAME=VALUE")
    return name, value


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EnterpriseError(f"{file} is no UTF-8 text ({type(error).__name__}); save it as CSV in UTF-8") from error
