"""One stamp as the lock holds it while it goes on, and how it is told to the kiosk and to the log."""

from __future__ import annotations

from dataclasses import dataclass

from device.messages import MessageError
from device.messages import lock as papers
from device.messages.lock import EventKind
from firmware_bridge.protocol import commands
from firmware_bridge.protocol.diary import Happened
from firmware_bridge.protocol.judge import Approved
from firmware_bridge.protocol.memory import Counted

Messages = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Armed:
    """Waiting for the press."""

    approved: Approved
    command: bytes
    until_ms: int


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a press leads to: whether the barrel moves now, and what is told to the kiosk."""

    move: bool
    messages: Messages = ()


def said(counted: Counted) -> commands.Outcome:
    return commands.Outcome(counted.command, counted.result, counted.used, counted.stamps)


def of_armed(kind: EventKind, armed: Armed) -> Happened:
    grant = armed.approved.grant
    return Happened(kind, grant.id, grant.person, grant.document, command=armed.command)


def named(data: bytes) -> bytes:
    """The id of a refused grant, if it has one: whoever reads the log wants to know which, proven or not."""
    try:
        return papers.Grant.unproven(data).id
    except MessageError:
        return b""
