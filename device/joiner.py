"""The uplink's part in joining: it makes the key of its certificate, carries the request to the enterprise, and brings the answer.

It believes nothing and decides nothing: the kiosk daemon words the request and checks the answer, a person confirms the code.
"""

from __future__ import annotations

import base64
import logging
import threading
from pathlib import Path
from typing import Protocol

from device import api, durable, identity, join_client, membership, messages
from device.api.joining import JoinOrder
from device.tls_files import JoinRefused

log = logging.getLogger(__name__)

NOT_BELIEVED = frozenset({"JoinRefused", "OutletError", "MessageError", "SchemaRefused", "SignatureRefused"})  # or the disk is full
IDLE_S, BUSY_S = 3.0, 1.0  # somebody stands before a screen and waits


class Kiosk(Protocol):
    """Whoever has the orders: the kiosk daemon behind its socket, or its files while it is stopped."""

    def join_order(self) -> JoinOrder: ...
    def join_key(self, number: str, csr: str) -> None: ...
    def join_answer(self, answer: bytes) -> object: ...
    def join_failed(self, number: str, why: str, *, for_good: bool) -> None: ...


class Joiner:
    """One uplink's."""

    def __init__(self, kiosk: Kiosk, place: identity.Place) -> None:
        self._kiosk, self._place = kiosk, place
        self._asked: tuple[str, str] | None = None  # the request's number, and what the enterprise calls it

    def step(self) -> bool:
        """Do what is ordered now, as far as it comes; whether anything was."""
        order = self._kiosk.join_order()
        if order.work == "key":
            self._kiosk.join_key(order.number, identity.ask(self._place, order.number, order.device))
        elif order.work == "carry":
            self._carry(order)
        return order.work != "none"

    def _carry(self, order: JoinOrder) -> None:
        try:
            answer = self._answer(order)
        except (join_client.JoinUnreachable, ValueError, KeyError, TypeError) as error:
            self._kiosk.join_failed(order.number, str(error), for_good=False)
        except JoinRefused as error:
            self._kiosk.join_failed(order.number, str(error), for_good=True)
        else:
            if answer is not None:
                self._hand_over(order, answer)

    def _answer(self, order: JoinOrder) -> bytes | None:
        """What the enterprise says, None while nobody has confirmed the code."""
        with join_client.opened(messages.Invitation(order.url, "", order.ca, "", order.device)) as enrolment:
            if self._asked is None or self._asked[0] != order.number:
                self._asked = order.number, enrolment.ask(base64.b64decode(order.request))
            return enrolment.answer(self._asked[1])

    def _hand_over(self, order: JoinOrder, answer: bytes) -> None:
        try:
            self._kiosk.join_answer(answer)
        except api.KioskRefused as error:
            self._kiosk.join_failed(order.number, str(error), for_good=error.kind in NOT_BELIEVED)
        except (JoinRefused, messages.MessageError) as error:
            self._kiosk.join_failed(order.number, str(error), for_good=True)


class Watched:
    """The file of the membership, and what of it concerns the uplink."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = self._now()

    def has_changed(self) -> bool:
        """Whether it is another broker, certificate or authority than when this was made."""
        return self._now() != self._known

    def _now(self) -> tuple[str, int, str, str, str] | None:
        member = membership.readable(self._path)
        return (member.host, member.port, member.server, member.ca, member.certificate) if member else None


def keep(joiner: Joiner, watched: Watched, stop: threading.Event) -> None:
    """Until `stop`, which a change of the membership sets: the daemon starts anew with it."""
    busy = True
    while not stop.wait(BUSY_S if busy else IDLE_S):
        try:
            if watched.has_changed():
                log.info("the enterprise that this kiosk has joined is another one, or none")
                stop.set()
                return
            busy = joiner.step()
        except api.KioskError as error:
            log.debug("nothing is to be joined: %s", error)
        except (JoinRefused, durable.NotKept) as error:
            log.warning("%s", error)
