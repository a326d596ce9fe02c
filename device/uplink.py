"""Records to the enterprise's broker, acknowledgements back. A daemon of its own that knows no picture and no template.

It believes nothing by itself: the kiosk daemon signs the hello, checks each acknowledgement and owns the cursor. It keeps no file;
after a crash, a stall or a change on either side it says hello again and goes on from where the server stands. A PUBACK moves
nothing.
"""

from __future__ import annotations

import enum
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, Queue

from device import api, messages
from device.mqtt import Connected, Disconnected, Event, Pipe, Received

log = logging.getLogger(__name__)

MOST_SPREAD_S = 300.0  # the server's state is not signed: whoever holds the broker may delay a return, but not for ever

NOT_BELIEVED = "DesiredRefused"  # the kiosk daemon's only last word on a desired state: device.downlink
QUESTION_S = 5.0  # a lock's question is waited for this long at a time


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the uplink waits for what; all in seconds."""

    news: float = 1.0  # one question for new records stays open this long: live within two seconds
    answer: float = 5.0  # to a hello; the server announces itself when it comes back, so this is only for lost messages
    silence: float = 300.0  # the longest pause between two hellos that nobody answers: the broker keeps each of them
    stall: float = 30.0  # no acknowledgement while batches are under way
    state: float = 30.0  # between two publications of the kiosk's state
    time: float = 1_800.0  # between two hellos on one connection: their answers tell the time, a crystal drifts 0.2 s meanwhile
    retry: float = 30.0  # the longest pause between two tries to reach the kiosk daemon, and to hand it what its disk did not take
    hang: float = 90.0  # no step of the loop takes this long unless something hangs


class Phase(enum.Enum):
    """Where the conversation with the server stands."""

    OFFLINE = "offline"
    GREETING = "greeting"
    STREAMING = "streaming"


class Uplink:
    """One connection to the broker, one to the kiosk daemon, and a window of batches between them."""

    def __init__(
        self,
        device: str,
        kiosk: api.UplinkClient,
        pipe: Pipe,
        patience: Patience | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kiosk, self._pipe, self._now_s = kiosk, pipe, now_s
        self._patience = patience or Patience()
        self._topics = messages.topics(device)
        self._events: Queue[Event] = pipe.events
        self._phase = Phase.OFFLINE
        self._desired: dict[str, bytes] = {}  # pages that the kiosk daemon does not have yet, by topic
        self._epoch = ""
        self._flying: deque[int] = deque()  # the last record of each batch under way, oldest first
        self._sent = self._upto = 0
        self._window = messages.MAX_IN_FLIGHT
        self._repeats = self._stalls = 0
        self._progress = self._now_s()
        self._state_due = self._resume_at = self._hand_over_at = 0.0
        self._greeted = self._stepped = self._now_s()
        self._unanswered, self._silence_s = 0, self._patience.answer  # hellos, and how long the last of them is given
        self._greet_at: float | None = None  # this kiosk's turn after the server has come back

    def run(self, stop: threading.Event) -> None:
        """Until `stop`: trouble with the kiosk daemon or the broker is waited out, never fatal."""
        failures = 0
        self._pipe.start()
        threading.Thread(target=self._carry_questions, args=(stop,), name="locks", daemon=True).start()
        while not stop.is_set():
            try:
                self.step()
                failures, self._stepped = 0, self._now_s()
            except api.KioskError as error:
                failures, self._stepped = failures + 1, self._now_s()
                log.warning("the kiosk daemon cannot be asked: %s", error)
                self._greet_again()
                stop.wait(jittered(pause_s(failures, self._patience.retry)))
        self._pipe.stop()

    def works(self) -> bool:
        """For the watchdog: the conversation goes on. A dead broker or server is no fault of ours, a thread that hangs is."""
        return self._now_s() - self._stepped < self._patience.hang

    def is_streaming(self) -> bool:
        """Whether the server has answered on this connection."""
        return self._phase is Phase.STREAMING

    def step(self) -> None:
        """Take in what has come, mend what is stuck, send what may be sent; waits at most about a second."""
        self._stepped = self._now_s()
        self._hand_over()
        self._take_events(0.0)
        self._greet_in_turn()
        if self._phase is Phase.STREAMING:
            self._say_state()
            self._watch_for_stalls()
            self._ask_the_time()
            self._send_or_wait()
        else:
            self._take_events(self._patience.news)
            self._watch_for_silence()

    def _take_events(self, wait_s: float) -> None:
        """Everything that has come, after waiting up to `wait_s` for the first."""
        try:
            self._take(self._events.get(block=wait_s > 0, timeout=wait_s or None))
            while True:
                self._take(self._events.get_nowait())
        except Empty:
            return

    def _take(self, event: Event) -> None:
        match event:
            case Connected():
                self._unanswered = 0
                self._greet()
            case Disconnected(reason):
                log.warning("no connection to the broker: %s", reason)
                self._phase = Phase.OFFLINE
            case Received(topic, payload, encoding):
                try:
                    self._hear(topic, messages.decompress(payload, encoding))
                except (messages.TooLarge, messages.NotCanonical) as error:
                    log.warning("a message of the server's is ignored: %s", error)

    def _hear(self, topic: str, payload: bytes) -> None:
        if topic == self._topics.acknowledgement:
            self._take_acknowledgement(payload)
        elif topic == messages.SERVER_STATE_TOPIC:
            self._take_server_state(payload)
        elif topic == self._topics.lock_answer:
            self._answer_lock(payload)
        elif topic.startswith(self._topics.desired):
            self._desired[topic] = payload
            self._hand_over()
        else:
            log.warning("a message on a topic that was not asked for is ignored")

    def _greet(self) -> None:
        """Say where the journal stands; nothing is sent until the server has said where it stands."""
        self._phase, self._greet_at = Phase.GREETING, None
        self._flying.clear()
        self._progress = self._greeted = self._now_s()
        self._silence_s = silence_s(self._unanswered, self._patience)
        self._unanswered += 1
        self._epoch, hello = self._kiosk.hello()
        self._pipe.publish(self._topics.hello, hello)

    def _greet_again(self) -> None:
        """After trouble with the kiosk daemon its journal may be another; ask anew before anything is sent."""
        if self._phase is not Phase.OFFLINE:
            self._phase = Phase.GREETING
            self._progress = self._now_s() - self._silence_s

    def _take_server_state(self, payload: bytes) -> None:
        try:
            state = messages.read_message(messages.open_envelope(payload, "server-state", "server"), messages.ServerState)
        except messages.MessageError as error:
            log.warning("the server's state cannot be read: %s", error)
            return
        spread_s = min(state.spread_s, MOST_SPREAD_S)
        self._pipe.spread(spread_s)
        if state.online and self._phase is not Phase.OFFLINE:
            self._unanswered = 0
            # it has just come back, and may have heard neither the first hello nor what was under way; nor should all speak at once
            self._greet_at = self._now_s() + random.uniform(0.0, spread_s)
            self._greet_in_turn()

    def _greet_in_turn(self) -> None:
        if self._greet_at is not None and self._phase is not Phase.OFFLINE and self._now_s() >= self._greet_at:
            self._greet()

    def _take_acknowledgement(self, payload: bytes) -> None:
        try:
            cursor = self._kiosk.acknowledge(payload)
        except api.KioskRefused as refusal:
            log.error("an acknowledgement is not believed: %s", refusal)
            self._unanswered, self._silence_s = 0, self._patience.answer  # somebody answers: no hellos pile up
            return
        self._window = max(1, min(cursor.window, messages.MAX_IN_FLIGHT))
        self._resume_at = self._now_s() + cursor.retry_after_ms / 1000  # a busy server asks for patience
        if cursor.answers_hello:
            self._greet_at = None  # it is back, and has heard us: that announcement was a retained one
            self._unanswered = 0
            self._stream_from(cursor.upto)
        elif self._phase is Phase.STREAMING:
            self._advance(cursor.upto)

    def _hand_over(self) -> None:
        """What the enterprise wants of this kiosk: carried, not read. It waits here until the kiosk daemon has kept or refused it.

        The broker says it again only on a new connection, which may be weeks off.
        """
        if self._now_s() < self._hand_over_at:
            return
        for topic, payload in list(self._desired.items()):
            try:
                if payload:  # an empty one only takes a retained message away
                    self._kiosk.desire(payload)
            except api.KioskRefused as refusal:
                log.warning("a desired state is not taken: %s", refusal)
                if refusal.kind != NOT_BELIEVED:
                    self._hand_over_at = self._now_s() + self._patience.retry
                    continue
            del self._desired[topic]

    def _carry_questions(self, stop: threading.Event) -> None:
        """Beside the records, because a person stands at a lock and waits; only while the server is there to answer."""
        while not stop.is_set():
            if self._phase is not Phase.STREAMING:
                stop.wait(0.2)
                continue
            try:
                question = self._kiosk.lock_question(QUESTION_S)
            except api.KioskError:
                stop.wait(1.0)  # said already, where records are asked for
                continue
            if question is not None:
                self._pipe.publish(self._topics.lock_question, question)

    def _answer_lock(self, payload: bytes) -> None:
        try:
            self._kiosk.lock_answer(payload)
        except api.KioskRefused as refusal:
            log.warning("the server's word to a lock is not taken: %s", refusal)

    def _stream_from(self, upto: int) -> None:
        if self._phase is Phase.GREETING:
            log.info("the server has %d records of this epoch", upto)
        self._phase, self._sent = Phase.STREAMING, upto
        self._flying.clear()
        self._progress, self._repeats = self._now_s(), 0
        if upto > self._upto:  # an answer to a hello alone is no progress: a connection on which no batch arrives must end
            self._stalls = 0
        self._upto = upto

    def _advance(self, upto: int) -> None:
        landed = False
        self._upto = upto
        while self._flying and self._flying[0] <= upto:
            self._flying.popleft()
            landed = True
        if landed or not self._flying:
            self._made_progress()
        else:
            self._repeats += 1
            if self._repeats > self._window:  # it keeps answering, but not to what is under way: a batch was lost or refused
                self._repeats = 0
                self._greet()

    def _made_progress(self) -> None:
        self._progress, self._repeats, self._stalls = self._now_s(), 0, 0

    def _watch_for_silence(self) -> None:
        if self._phase is Phase.GREETING and self._now_s() - self._progress >= self._silence_s:
            self._greet()

    def _watch_for_stalls(self) -> None:
        """Silence while batches are under way: the first time they are sent again, the second time over a new connection."""
        if not self._flying or self._now_s() - self._progress < self._patience.stall:
            return
        self._stalls += 1
        log.warning("no acknowledgement for %.0f s", self._patience.stall)
        if self._stalls == 1:
            self._greet()
        else:
            self._stalls, self._phase = 0, Phase.OFFLINE
            self._pipe.reconnect()

    def _ask_the_time(self) -> None:
        """A long connection says hello again now and then, when nothing is under way."""
        if self._phase is Phase.STREAMING and not self._flying and self._now_s() - self._greeted >= self._patience.time:
            self._greet()

    def _send_or_wait(self) -> None:
        if self._phase is not Phase.STREAMING:
            return
        if len(self._flying) >= self._window or self._now_s() < self._resume_at:
            self._take_events(self._patience.news)
            return
        batch = self._kiosk.records(self._epoch, self._sent, 0.0 if self._flying else self._patience.news)
        if batch is not None:
            self._send(batch)
        elif self._flying:
            self._take_events(self._patience.news)

    def _send(self, batch: api.Outgoing) -> None:
        payload, encoding = messages.compress(batch.payload)
        if not self._flying:
            self._progress = self._now_s()
        self._flying.append(batch.last)
        self._sent = batch.last
        self._pipe.publish(self._topics.records, payload, encoding=encoding)

    def _say_state(self) -> None:
        if self._now_s() >= self._state_due:
            self._state_due = self._now_s() + self._patience.state
            self._pipe.publish(self._topics.state, self._kiosk.state(), retain=True)


def pause_s(failures: int, longest_s: float) -> float:
    """How long to wait after so many failures in a row. The exponent is bounded: no float holds 2**1024."""
    return min(0.25 * 2.0 ** min(failures, 10), longest_s)


def silence_s(unanswered: int, patience: Patience) -> float:
    """How long a hello is waited for after so many without an answer: longer each time, and not in step with other kiosks."""
    if not unanswered:
        return patience.answer
    return jittered(min(patience.answer * 2.0 ** min(unanswered, 10), max(patience.answer, patience.silence)))


def jittered(seconds: float) -> float:
    """Between half of it and all of it."""
    return seconds * random.uniform(0.5, 1.0)
