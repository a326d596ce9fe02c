"""`daka correct`: a punch that is wrong is put right by another record; the raw one stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from device import api, messages
from device.commands.context import Context, pass_context
from device.commands.office import operator
from device.errors import DeviceError


class NotATime(DeviceError):
    """A time without a zone, or none at all."""


SEQ = click.IntRange(1, 10**15 - 1)  # fifteen digits, as the daemon takes them
reason_option = click.option("--reason", required=True, help="Why; it goes into the record, so name nobody.")


@click.group()
def correct() -> None:
    """Put punches right while the kiosk runs: void one, correct one, add one that was forgotten, note a dispute."""


@correct.command("void")
@click.argument("seq", type=SEQ)
@reason_option
@pass_context
def void(context: Context, seq: int, reason: str) -> None:
    """Punch SEQ counts no more."""
    with _daemon(context) as client:
        done = client.void(seq, reason, operator())
    click.echo(f"punch {seq} counts no more, by record {done.void}")


@correct.command("punch")
@click.argument("seq", type=SEQ)
@click.argument("direction", type=click.Choice([direction.value for direction in messages.Direction]))
@click.option("--at", default="", help="The right time with its zone, such as 2026-11-23T08:58+08:00; without it the time stays.")
@reason_option
@pass_context
def punch(context: Context, seq: int, direction: str, at: str, reason: str) -> None:
    """Punch SEQ was DIRECTION, at another time if one is named."""
    with _daemon(context) as client:
        done = client.correct(seq, direction, _time(at) if at else "", reason, operator())
    click.echo(f"record {done.counts} counts in place of punch {seq}")


@correct.command("add")
@click.argument("number")
@click.argument("direction", type=click.Choice([direction.value for direction in messages.Direction]))
@click.argument("at")
@reason_option
@pass_context
def add(context: Context, number: str, direction: str, at: str, reason: str) -> None:
    """Employee NUMBER walked in or out at AT, and it was forgotten."""
    with _daemon(context) as client:
        done = client.add_punch(number, direction, _time(at), reason, operator())
    click.echo(f"record {done.counts} counts as a punch of {number}")


@correct.command("dispute")
@click.argument("seq", type=SEQ)
@reason_option
@pass_context
def dispute(context: Context, seq: int, reason: str) -> None:
    """Somebody says that punch SEQ is not theirs; it counts until a person has looked at it."""
    with _daemon(context) as client:
        client.dispute(seq, reason, operator())
    click.echo(f"punch {seq} is disputed")


@contextmanager
def _daemon(context: Context) -> Iterator[api.AdminClient]:
    with api.AdminClient(context.folder.admin_socket) as client:
        yield client


def _time(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise NotATime(f"{text} has no zone; write 2026-11-23T08:58+08:00")
        return messages.write_time(at)
    except (ValueError, OverflowError) as error:
        raise NotATime(f"{text} is no time; write 2026-11-23T08:58+08:00") from error
