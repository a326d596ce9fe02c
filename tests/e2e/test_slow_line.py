"""A line that is slower than both ends, as 4G is while a backlog is carried: it delays, it never breaks a connection."""

from __future__ import annotations

import random
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty

import pytest

from device import messages, mqtt
from enterprise import mqtt as links
from tests import slow_line
from tests.broker import ADDRESS, Broker

DEVICE = "kiosk-slow"
TOPICS = messages.topics(DEVICE)
BYTES_A_SECOND = 8_000_000
SENTENCES = 600
WRITERS = 3  # records, questions of locks, goodbyes
WINDOW = 8
WITHIN_S = 60.0
AT_ONCE_S = 0.5  # both ways; paho looks by itself only every second
OFTEN_S = 1e-5  # between two threads' turns: what happens once in a minute of 4G happens in each second here


@dataclass
class Conversation:
    """A kiosk's pipe and a server's link; the server says back what it hears, and tells the broker that it may forget it."""

    pipe: mqtt.PahoPipe
    link: links.Link
    ended: list[str] = field(default_factory=list)  # why connections ended meanwhile

    def serve(self) -> None:
        while True:
            match self.link.events.get():
                case links.Received() as message:
                    self.link.publish(TOPICS.acknowledgement, message.payload, retain=False)
                    message.acknowledge()
                case links.Disconnected(reason):
                    self.ended.append(f"the server's: {reason}")

    def hear(self) -> bytes | None:
        """What the server says back; None when it says nothing for long, or a connection has ended."""
        for _ in range(round(WITHIN_S)):
            if self.ended:
                return None
            try:
                event = self.pipe.events.get(timeout=1.0)
            except Empty:
                continue
            if isinstance(event, mqtt.Received):
                return event.payload
            if isinstance(event, mqtt.Disconnected):
                self.ended.append(f"the kiosk's: {event.reason}")
        return None


@pytest.fixture
def conversation(tmp_path: Path) -> Iterator[Conversation]:
    """Both ends on slow lines of their own."""
    broker = Broker(tmp_path)
    broker.prepare([DEVICE])
    broker.start()
    with ExitStack() as lines:
        ports = [lines.enter_context(slow_line.to(broker.port, BYTES_A_SECOND)) for _ in range(2)]
        talk = Conversation(kiosk(broker, ports[0]), server(broker, ports[1]))
        threading.Thread(target=talk.serve, daemon=True).start()
        yield talk
        talk.pipe.stop()
        talk.link.stop()
    broker.stop()


def kiosk(broker: Broker, port: int) -> mqtt.PahoPipe:
    own = broker.certificate_of(DEVICE)
    at = mqtt.Broker(ADDRESS, port, str(broker.root), str(own.certificate), str(own.key), 60)
    made = mqtt.PahoPipe(at, DEVICE, (TOPICS.acknowledgement,), None)
    made.start()
    assert isinstance(made.events.get(timeout=20), mqtt.Connected)
    return made


def server(broker: Broker, port: int) -> links.Link:
    own = broker.certificate_of("ingest")
    at = links.Broker(ADDRESS, port, broker.root, own.certificate, own.key, "ingest")
    made = links.Link(at, (TOPICS.records,), links.Words(messages.SERVER_STATE_TOPIC, b"here", b"gone"))
    made.start()
    assert isinstance(made.events.get(timeout=20), links.Connected)
    return made


@pytest.fixture
def quick_turns() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(OFTEN_S)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("quick_turns")
def test_whoever_has_more_to_say_than_the_line_carries_keeps_the_connection(conversation: Conversation) -> None:
    chance = random.Random(4)
    said = [b"%d " % number + chance.randbytes(chance.randrange(20_000)) for number in range(SENTENCES)]
    heard: list[bytes] = []
    window = threading.Semaphore(WINDOW)

    def speak(own: list[bytes]) -> None:
        for sentence in own:
            window.acquire(timeout=WITHIN_S)
            conversation.pipe.publish(TOPICS.records, sentence)

    for number in range(WRITERS):
        threading.Thread(target=speak, args=(said[number::WRITERS],), daemon=True).start()
    while len(heard) < len(said) and (payload := conversation.hear()) is not None:
        heard.append(payload)
        window.release()
    assert conversation.ended == []
    assert sorted(heard) == sorted(said)


def test_what_is_said_after_a_silence_leaves_at_once(conversation: Conversation) -> None:
    def round_trip_s() -> float:
        time.sleep(0.2)
        began = time.monotonic()
        conversation.pipe.publish(TOPICS.records, b"a punch")
        assert conversation.hear() == b"a punch"
        return time.monotonic() - began

    assert statistics.median(round_trip_s() for _ in range(7)) < AT_ONCE_S
