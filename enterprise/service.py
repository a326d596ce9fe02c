"""The ingest daemon's loop: messages from the broker into commits, signed answers back, and only then the broker may forget.

What the database does not take now is kept and tried again, never dropped and never answered; meanwhile the broker holds the rest.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from queue import Empty

from device import messages
from enterprise import authority, downlink, turns
from enterprise.expiry import Watch
from enterprise.ingest import Ingester
from enterprise.mqtt import Connected, Disconnected, Link, Received
from enterprise.outcome import Arrival, Kind, Outcome, Pressure, Verdict, pressure
from enterprise.store import Store, StoreAway, StoreError, StoreStuck

log = logging.getLogger(__name__)

MOST_IN_ONE_COMMIT = 32  # messages; more only makes the first of them wait
WAIT_S = 0.5
DESIRED_EVERY_S = 1.0
SOONEST_RETRY_S = 0.2
LATEST_RETRY_S = 10.0
TRIES_TOGETHER = 2  # then each message by itself, where it may be one alone that the database does not get done
TRIES_UNTIL_AWAY = 5  # some seconds; a database that restarts need not have every kiosk say hello
KIND_OF_TOPIC = {"rec": Kind.RECORDS, "hello": Kind.HELLO, "state": Kind.STATE}
LOCKS = "lock"  # the last part of the topic on which locks ask for the server's word
QUIET = frozenset({Verdict.STORED, Verdict.DUPLICATE, Verdict.GREETED, Verdict.HOLE, Verdict.HEARD})


class Service:
    """Runs until told to stop; owns the link."""

    def __init__(self, ingester: Ingester, link: Link, outbox: Store | None = None, watch: Watch | None = None) -> None:
        """`outbox`: the database whose desired states are sent to their kiosks; `watch` hears of the broker's certificate."""
        self._ingester, self._link, self._outbox, self._watch = ingester, link, outbox, watch
        self._outbox_due = 0.0
        self._waiting: list[Received] = []
        self._flooding: frozenset[str] = frozenset()  # devices that nobody has been told of yet
        self._said = ""
        self._commit_s = 0.0  # how long the last one took
        self.unforeseen = 0  # exceptions that nobody expected, each logged

    def run(self, stop: threading.Event) -> None:
        """Until `stop`: neither broker nor database nor message ends it."""
        self._link.start()
        while not stop.is_set():
            received = self._gather()
            self._look_around()
            if received and not self._handle(received, stop) and len(received) > 1:
                for message in received:  # one bad message must not take its neighbours with it
                    self._handle([message], stop)
        self._link.stop()

    def _look_around(self) -> None:
        """What there is to do beside messages; whatever happens there, the next round comes."""
        try:
            self._send_desired()
            if self._watch is not None:
                self._watch.look()
        except Exception:
            self.unforeseen += 1
            self._outbox_due = time.monotonic() + LATEST_RETRY_S
            log.exception("desired states, or alarms that time alone raises, wait")

    def _send_desired(self) -> None:
        """Pages of desired states that wait; a database that is away, or a broker, only delays them."""
        if self._outbox is None or time.monotonic() < self._outbox_due:
            return
        self._outbox_due = time.monotonic() + DESIRED_EVERY_S
        try:
            pages = [page for page in downlink.unsent(self._outbox) if self._link.publish(page.topic, page.payload)]
            if pages:
                downlink.sent(self._outbox, pages)
                log.info("%d pages of desired states are sent", len(pages))
        except StoreError as error:
            self._say(logging.ERROR, f"desired states wait: {error}")

    def _handle(self, received: list[Received], stop: threading.Event) -> bool:
        """False if something happened that nobody has thought of; a lone message is let go then, unanswered, with an alarm."""
        try:
            self._settle(received, stop)
        except Exception as error:
            self.unforeseen += 1
            log.exception("a message could not be handled")
            if len(received) == 1:
                self._let_go(received[0], error)
            return False
        return True

    def _let_go(self, message: Received, error: Exception) -> None:
        try:
            self._ingester.give_up(messages.device_of(message.topic), error)
        except Exception:
            self.unforeseen += 1
            log.exception("nobody could be told")
        message.acknowledge()

    def _gather(self) -> list[Received]:
        """Whose turn it is of what has come, after waiting a little for the first; what nobody will read is let go."""
        try:
            self._note(wait_s=0.0 if self._waiting else WAIT_S)
            while True:
                self._note(wait_s=0.0)
        except Empty:
            pass
        turn = turns.taken(self._waiting, MOST_IN_ONE_COMMIT)
        self._waiting = turn.later
        self._flooding |= turn.flooding
        _acknowledge(turn.dropped)
        return turn.now

    def _note(self, wait_s: float) -> None:
        match self._link.events.get(block=wait_s > 0, timeout=wait_s or None):
            case Received() as message:
                self._waiting.append(message)
            case Connected(life):
                self._say(logging.INFO, "connected to the broker")
                if self._watch is not None and life is not None:
                    self._watch.know(authority.BROKER, life)
            case Disconnected(reason):
                self._say(logging.WARNING, f"no connection to the broker: {reason}; trying again")

    def _say(self, level: int, sentence: str) -> None:
        """Once, not at each try."""
        if sentence != self._said:
            self._said = sentence
            log.log(level, "%s", sentence)

    def _settle(self, received: list[Received], stop: threading.Event) -> None:
        """Commit, answer, let the broker forget; when told to stop in between, nothing of it happens and the kiosks send again."""
        self._answer_locks(received)
        arrivals = [arrival for message in received if (arrival := _arrival(message)) is not None]
        outcomes = self._commit(arrivals, stop)
        if outcomes is None:
            return
        for outcome in _worth_saying(outcomes):
            assert outcome.answer is not None
            self._link.publish(messages.topics(outcome.device).acknowledgement, outcome.answer)
        _acknowledge(received)
        for outcome in outcomes:
            _report(outcome)

    def _answer_locks(self, received: list[Received]) -> None:
        """At once: a person stands at the lock and waits. A lock that gets no word asks again at its next visit."""
        if self._outbox is None:
            return
        for message in received:
            if message.topic.rpartition("/")[2] == LOCKS:
                device = messages.device_of(message.topic)
                try:
                    word = self._ingester.word_to_lock(self._outbox, device, message.payload)
                except StoreError as error:
                    self._say(logging.ERROR, f"a lock gets no word: {error}")
                    continue
                if word is not None:
                    self._link.publish(messages.topics(device).lock_answer, word, retain=False)

    def _commit(self, arrivals: list[Arrival], stop: threading.Event) -> list[Outcome] | None:
        failures, apart = 0, False
        while not stop.is_set():
            began = time.monotonic()
            try:
                outcomes = self._take_apart(arrivals, stop) if apart else self._take_together(arrivals)
            except StoreAway as error:
                failures += 1
                apart = isinstance(error, StoreStuck) and failures >= TRIES_TOGETHER
                self._say(logging.ERROR, f"{error}; nothing is lost, trying again")
                if failures == TRIES_UNTIL_AWAY:
                    self._link.announce(here=False)
                stop.wait(pause_s(failures))
                continue
            self._commit_s = time.monotonic() - began
            if failures:
                self._say(logging.INFO, "the database takes records again")
            if failures >= TRIES_UNTIL_AWAY:
                self._link.announce(here=True)  # kiosks wait for minutes between two hellos by now
            return outcomes
        return None

    def _take_together(self, arrivals: list[Arrival]) -> list[Outcome]:
        outcomes = self._ingester.take_all(arrivals, self._pressure(), sorted(self._flooding))
        self._flooding = frozenset()
        return outcomes

    def _take_apart(self, arrivals: list[Arrival], stop: threading.Event) -> list[Outcome]:
        """Each by itself. What follows one that was given up waits with it at its kiosk, or each might take as long as that."""
        outcomes: list[Outcome] = []
        given_up: set[str] = set()
        for arrival in arrivals:
            if arrival.device not in given_up and not stop.is_set():
                outcomes.append(self._ingester.take_alone(arrival, self._pressure()))
                if outcomes[-1].verdict is Verdict.UNSTORABLE:
                    given_up.add(arrival.device)
        return outcomes

    def _pressure(self) -> Pressure:
        return pressure(len(self._waiting) + self._link.events.qsize(), self._commit_s)


def pause_s(failures: int) -> float:
    """How long to wait after so many failures in a row. The exponent is bounded: no float holds 2**1024."""
    return random.uniform(SOONEST_RETRY_S, min(SOONEST_RETRY_S * 2.0 ** min(failures, 10), LATEST_RETRY_S))


def _acknowledge(received: list[Received]) -> None:
    for message in received:
        message.acknowledge()


def _arrival(message: Received) -> Arrival | None:
    """None for a topic that was not asked for, and for our own state, which comes with those of the kiosks."""
    kind = KIND_OF_TOPIC.get(message.topic.rpartition("/")[2])
    if kind is None or message.topic == messages.SERVER_STATE_TOPIC:
        return None
    return Arrival(kind, messages.device_of(message.topic), message.payload, message.encoding)


def _worth_saying(outcomes: list[Outcome]) -> list[Outcome]:
    """For each journal the answer to its latest hello, whose nonce alone it still knows, and of the cumulative ones the last."""
    last = {(outcome.device, outcome.epoch): outcome for outcome in outcomes if outcome.answer is not None}
    greeted = {(outcome.device, outcome.epoch): outcome for outcome in outcomes if outcome.verdict is Verdict.GREETED}
    return [*greeted.values(), *(outcome for outcome in last.values() if outcome.verdict is not Verdict.GREETED)]


def _report(outcome: Outcome) -> None:
    level = logging.DEBUG if outcome.verdict in QUIET else logging.WARNING
    log.log(level, "%s %s upto %d %s", outcome.device, outcome.verdict, outcome.upto, outcome.detail)
    if outcome.parked:
        log.warning("%s: %d records are parked; see: daka-enterprise show parked", outcome.device, outcome.parked)
