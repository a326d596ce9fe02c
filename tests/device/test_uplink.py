"""The uplink's conversation, with the kiosk's real counter on a real socket and a broker that the test plays."""

from __future__ import annotations

import gzip
import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Queue

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import api, config, database, desired, downlink, journal, messages, post, server, trust
from device.mqtt import Connected, Disconnected, Event, Received
from device.uplink import MOST_SPREAD_S, Patience, Phase, Uplink, silence_s
from tests.device import parts

POLICY_KEY, SECRET = parts.signing_key(7), X25519PrivateKey.from_private_bytes(bytes([5]) * 32)
TOPICS = messages.topics(parts.DEVICE)
PATIENT = Patience(news=0.02, answer=60.0, stall=60.0, state=60.0, retry=0.05)  # a busy machine is no silent server


@dataclass
class Wire:
    """A pipe whose other end is the test: what was published, and what is to come."""

    events: Queue[Event] = field(default_factory=Queue)
    published: list[tuple[str, bytes, str, bool]] = field(default_factory=list)
    reconnects: int = 0
    spread_s: float | None = None
    started: bool = False

    def start(self) -> None:
        self.started = True

    def publish(self, topic: str, payload: bytes, *, encoding: str = "", retain: bool = False) -> None:
        self.published.append((topic, payload, encoding, retain))

    def reconnect(self) -> None:
        self.reconnects += 1

    def spread(self, seconds: float) -> None:
        self.spread_s = seconds

    def stop(self) -> None:
        self.started = False

    def on(self, topic: str) -> list[bytes]:
        return [messages.decompress(payload, encoding) for name, payload, encoding, _ in self.published if name == topic]


class Counter:
    """One kiosk daemon's uplink socket; it can be killed and started again, with another journal if need be."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "run" / "u.sock"
        self.server = parts.Server()
        self.start(folder)

    def start(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.journal = parts.open_journal(folder)
        keys = {"server_key": messages.public_key_text(self.server.key), "policy_key": messages.public_key_text(POLICY_KEY)}
        settings = config.parse({"uplink": keys})
        believed = trust.Trust(folder / "enterprise.json", settings.uplink)
        self.down = downlink.Downlink(desired.Kept(folder / "desired.db"), parts.DEVICE, believed, SECRET)
        self.post = post.Post(self.journal, settings, parts.Clock(), folder, None, self.down, believed)
        self._serving = server.serve(server.application("uplink", post.uplink_routes(self.post)), server.listen(self.path), 4)
        self._thread = threading.Thread(target=self._serving.run, daemon=True)
        self._thread.start()

    def kill(self) -> None:
        self._serving.close()
        self._thread.join(5)
        self.path.unlink(missing_ok=True)
        self.journal.close()


class Clock:
    """The machine's, which a test puts on: what takes a minute takes no minute here, and a busy machine has one to spare."""

    passed_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.passed_s


class Play:
    """Everything around one uplink, and the server's lines."""

    def __init__(self, counter: Counter, client: api.UplinkClient, patience: Patience = PATIENT) -> None:
        self.counter, self.wire, self.clock = counter, Wire(), Clock()
        self.uplink = Uplink(parts.DEVICE, client, self.wire, patience, self.clock)

    @property
    def journal(self) -> journal.Journal:
        return self.counter.journal

    def steps(self, count: int = 1) -> None:
        for _ in range(count):
            self.uplink.step()

    def passes(self, seconds: float) -> None:
        self.clock.passed_s += seconds

    def until(self, done: object, limit_s: float = 60.0) -> None:
        deadline = time.monotonic() + limit_s
        while not done():  # type: ignore[operator]
            assert time.monotonic() < deadline, "it never came to that"
            self.uplink.step()

    def hellos(self) -> list[messages.Hello]:
        found = [messages.open_envelope(raw, "hello", parts.DEVICE) for raw in self.wire.on(TOPICS.hello)]
        for data in found:
            messages.verify_signed(data, parts.signing_key().public_key(), messages.Purpose.HELLO, parts.DEVICE)
        return [messages.read_message(data, messages.Hello) for data in found]

    def batches(self) -> list[tuple[int, int]]:
        return [(batch.first, batch.last) for batch in (self._batch(raw) for raw in self.wire.on(TOPICS.records))]

    def _batch(self, raw: bytes) -> messages.Batch:
        batch = messages.read_batch(raw, parts.DEVICE)
        messages.verify_batch(batch, parts.signing_key().public_key())
        return batch

    def say(self, upto: int, *, nonce: str = "", window: int = 4, server: parts.Server | None = None, epoch: str = "") -> None:
        head = parts.hash_of(self.journal, upto) if upto else "0" * 64
        said = (server or self.counter.server).acknowledgement(
            epoch or self.journal.head().epoch, upto, head, nonce=nonce, window=window
        )
        self.wire.events.put(Received(TOPICS.acknowledgement, said))

    def answer_hello(self, upto: int = 0, *, window: int = 4) -> None:
        self.say(upto, nonce=self.hellos()[-1].nonce, window=window)

    def stream(self, upto: int = 0, *, window: int = 4) -> None:
        """As far as the first batch."""
        self.wire.events.put(Connected())
        self.steps()
        self.answer_hello(upto, window=window)
        self.steps()


@pytest.fixture
def play(short_folder: Path) -> Iterator[Play]:
    counter = Counter(short_folder)
    with api.UplinkClient(counter.path) as client:
        yield Play(counter, client)
    counter.kill()


def test_a_busy_server_is_given_the_time_that_it_asks_for(play: Play) -> None:
    parts.fill(play.journal, 3)
    play.wire.events.put(Connected())
    play.steps()
    epoch, nonce = play.journal.head().epoch, play.hellos()[-1].nonce
    busy = play.counter.server.acknowledgement(epoch, 0, "0" * 64, nonce=nonce, retry_after_ms=10_000)
    play.wire.events.put(Received(TOPICS.acknowledgement, busy))
    play.steps(4)
    assert play.batches() == []
    play.passes(10)
    play.until(play.batches)


def test_nothing_is_said_before_there_is_a_connection(play: Play) -> None:
    play.steps(3)
    assert play.wire.published == []


def test_the_greeting_comes_first_and_no_record_before_the_servers_answer(play: Play) -> None:
    play.wire.events.put(Connected())
    play.steps(4)
    assert {topic for topic, *_ in play.wire.published} == {TOPICS.hello}
    hello = play.hellos()[0]
    assert (hello.last, hello.acknowledged, hello.head) == (1, 0, play.journal.head().hash)
    play.answer_hello()
    play.until(play.batches)
    assert play.batches()[0] == (1, 1)


def test_an_answer_to_another_hello_opens_nothing(play: Play) -> None:
    play.wire.events.put(Connected())
    play.steps()
    play.say(0, nonce="f" * 32)
    play.say(0)
    play.steps(3)
    assert play.batches() == []


def test_a_kiosk_whose_records_the_server_has_otherwise_starts_anew_and_then_delivers(play: Play) -> None:
    asked: list[str] = []
    play.counter.post._start_anew = lambda: asked.append("start")
    parts.fill(play.journal, 4)
    play.wire.events.put(Connected())
    play.steps()
    epoch = play.journal.head().epoch
    for replayed, expected in ((True, []), (False, ["start"])):
        nonce = "f" * 32 if replayed else play.hellos()[-1].nonce
        other = play.counter.server.acknowledgement(epoch, 7, "a" * 64, nonce=nonce)
        play.wire.events.put(Received(TOPICS.acknowledgement, other))
        play.steps()
        assert asked == expected
    assert play.batches() == []
    play.counter.kill()
    play.counter.start(play.counter.folder)
    play.passes(PATIENT.answer)
    play.until(lambda: play.hellos()[-1].epoch != epoch)
    play.answer_hello()
    play.until(play.batches)
    assert play.batches() == [(1, 1)]


def test_records_are_sent_from_where_the_server_stands(play: Play) -> None:
    parts.fill(play.journal, 9)
    play.stream(upto=6)
    play.until(play.batches)
    assert play.batches() == [(7, 10)]
    assert play.journal.head().acknowledged == 6


def test_a_new_record_is_sent_as_soon_as_it_is_there_and_only_once(play: Play) -> None:
    play.stream(upto=1)
    play.steps(2)
    assert play.batches() == []
    play.journal.append(parts.punch(), parts.moment())
    play.until(play.batches)
    play.say(2)
    play.steps(4)
    assert play.batches() == [(2, 2)]
    assert play.journal.head().acknowledged == 2


@pytest.mark.parametrize(("asked", "granted"), [(1, 1), (2, 2), (64, messages.MAX_IN_FLIGHT)])
def test_the_window_that_the_server_gives_is_never_exceeded(play: Play, asked: int, granted: int) -> None:
    parts.fill(play.journal, 200 * 5 + 50)
    play.stream(window=asked)
    play.steps(8)
    assert len(play.batches()) == granted
    play.say(200, window=asked)
    play.until(lambda: len(play.batches()) == granted + 1)
    play.steps(3)
    assert len(play.batches()) == granted + 1
    assert play.batches()[:2] == [(1, 200), (201, 400)][: len(play.batches())]


def test_one_acknowledgement_may_cover_many_batches(play: Play) -> None:
    parts.fill(play.journal, 999)
    play.stream()
    play.until(lambda: len(play.batches()) == 4)
    play.say(800)
    play.until(lambda: len(play.batches()) == 5)
    assert play.batches()[-1] == (801, 1000)
    play.say(1000)
    play.until(lambda: play.journal.head().acknowledged == 1000)


def test_large_batches_travel_compressed(play: Play) -> None:
    parts.fill(play.journal, 100)
    play.stream()
    play.until(play.batches)
    (encoding,) = {encoding for topic, _, encoding, _ in play.wire.published if topic == TOPICS.records}
    assert encoding == "gzip"


def test_answers_that_repeat_themselves_make_it_ask_again_where_the_server_stands(play: Play) -> None:
    """A batch was lost: the server keeps answering with what it has."""
    parts.fill(play.journal, 500)
    play.stream(window=2)
    play.until(lambda: len(play.batches()) == 2)
    for _ in range(3):
        play.say(0, window=2)
    play.until(lambda: len(play.hellos()) == 2)
    play.answer_hello(0, window=2)
    play.until(lambda: len(play.batches()) == 4)
    assert play.batches() == [(1, 200), (201, 400)] * 2


def test_silence_first_greets_again_and_then_connects_anew(play: Play) -> None:
    parts.fill(play.journal, 10)
    play.stream()
    play.until(play.batches)
    play.passes(PATIENT.stall)
    play.until(lambda: len(play.hellos()) == 2)
    assert play.wire.reconnects == 0
    play.answer_hello(0)
    play.until(lambda: len(play.batches()) == 2)
    play.passes(PATIENT.stall)
    play.until(lambda: play.wire.reconnects == 1)
    assert len(play.hellos()) == 2, "a server that answers hellos and never a batch must lead to a new connection"


def test_an_idle_line_is_not_a_stall(play: Play) -> None:
    play.stream(upto=1)
    for _ in range(5):
        play.passes(PATIENT.stall)
        play.steps(2)
    assert len(play.hellos()) == 1
    assert play.wire.reconnects == 0


def test_a_hello_without_an_answer_is_repeated_with_a_fresh_nonce(play: Play) -> None:
    play.wire.events.put(Connected())
    while len(play.hellos()) < 3:
        play.steps()
        play.passes(PATIENT.silence)
    assert len({hello.nonce for hello in play.hellos()}) == len(play.hellos())
    assert play.batches() == []


def test_hellos_that_nobody_answers_become_rare_and_an_announcement_is_answered_at_once(play: Play) -> None:
    play.uplink._patience = replace(PATIENT, answer=5.0, news=0.001)
    play.wire.events.put(Connected())
    for _ in range(200):
        play.passes(5.0)
        play.steps()
    said = len(play.hellos())
    assert 3 <= said <= 12, "two hundred silent periods"
    play.wire.events.put(Received(messages.SERVER_STATE_TOPIC, play.counter.server.state()))
    play.until(lambda: len(play.hellos()) > said)
    play.answer_hello(0)
    play.until(play.batches)


def test_the_pause_between_unanswered_hellos_has_an_end_and_no_common_beat() -> None:
    patience = Patience()
    assert silence_s(0, patience) == patience.answer
    pauses = [silence_s(2_000, patience) for _ in range(50)]
    assert 0.5 * patience.silence <= min(pauses) < max(pauses) <= patience.silence


def test_a_server_that_comes_back_is_greeted_at_once(play: Play) -> None:
    play.wire.events.put(Connected())
    play.steps()
    before = len(play.hellos())
    play.wire.events.put(Received(messages.SERVER_STATE_TOPIC, play.counter.server.state(online=False)))
    play.steps()
    assert len(play.hellos()) == before
    play.wire.events.put(Received(messages.SERVER_STATE_TOPIC, play.counter.server.state()))
    play.steps()
    assert len(play.hellos()) == before + 1


def announce(play: Play, spread_s: int) -> None:
    play.wire.events.put(Received(messages.SERVER_STATE_TOPIC, play.counter.server.state(spread_s=spread_s)))


def test_a_kiosk_waits_for_its_turn_within_the_window_that_the_server_names(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[tuple[float, float]] = []

    def chance(least: float, most: float) -> float:
        turns.append((least, most))
        return 5.0

    monkeypatch.setattr("device.uplink.random.uniform", chance)
    play.stream(upto=1)
    announce(play, spread_s=7)
    play.steps(2)
    assert len(play.hellos()) == 1
    play.passes(5)
    play.until(lambda: len(play.hellos()) == 2)
    assert turns == [(0.0, 7)]
    assert play.wire.spread_s == 7, "the pipe comes back within the same window"


def test_an_announcement_that_was_only_kept_by_the_broker_costs_no_second_hello(play: Play) -> None:
    play.wire.events.put(Connected())
    announce(play, spread_s=60)
    play.steps()
    play.answer_hello(1)
    play.steps(3)
    assert play.uplink._greet_at is None
    assert len(play.hellos()) == 1


def test_nobody_can_send_a_kiosk_away_for_hours(play: Play) -> None:
    play.stream(upto=1)
    announce(play, spread_s=3_600)
    play.steps()
    assert play.wire.spread_s == MOST_SPREAD_S


def test_rubbish_from_the_broker_changes_nothing(play: Play) -> None:
    play.stream(upto=1)
    for topic in (TOPICS.acknowledgement, messages.SERVER_STATE_TOPIC, TOPICS.desired, "other"):
        for payload in (b"", b"{}", b"\xff", b"null", b"[" * 50_000):
            play.wire.events.put(Received(topic, payload))
    play.steps(3)
    play.journal.append(parts.punch(), parts.moment())
    play.until(play.batches)
    assert play.journal.head().acknowledged == 1


def test_an_acknowledgement_with_another_key_moves_nothing_and_is_a_stall_like_any_other(play: Play) -> None:
    parts.fill(play.journal, 5)
    play.stream()
    play.until(play.batches)
    play.say(6, server=parts.Server(parts.signing_key(3)))
    play.say(6, epoch="f" * 32)
    play.steps(3)
    assert play.journal.head().acknowledged == 0
    play.passes(PATIENT.stall)
    play.until(lambda: len(play.hellos()) >= 2)


def test_a_restored_server_gets_everything_again(play: Play) -> None:
    parts.fill(play.journal, 9)
    play.stream(upto=10)
    assert play.journal.head().acknowledged == 10
    play.wire.events.put(Disconnected("the broker went away"))
    play.wire.events.put(Connected())
    play.steps()
    play.answer_hello(upto=3)
    play.until(play.batches)
    assert play.batches() == [(4, 10)]
    assert play.journal.head().acknowledged == 3


def test_after_a_lost_connection_it_greets_again_before_it_sends(play: Play) -> None:
    parts.fill(play.journal, 5)
    play.stream()
    play.until(play.batches)
    play.wire.events.put(Disconnected("gone"))
    play.steps()
    play.journal.append(parts.punch(), parts.moment())
    sent = len(play.batches())
    play.steps(3)
    assert len(play.batches()) == sent
    play.wire.events.put(Connected())
    play.steps()
    assert len(play.hellos()) == 2
    assert len(play.batches()) == sent
    play.answer_hello(6)
    play.until(lambda: len(play.batches()) > sent)
    assert play.batches()[-1] == (7, 7)


def test_the_state_is_retained_and_names_backlog_and_clock(play: Play) -> None:
    parts.fill(play.journal, 5)
    play.stream(upto=2)
    ((payload, retain),) = [(payload, retain) for topic, payload, _, retain in play.wire.published if topic == TOPICS.state]
    assert retain
    online = messages.read_message(messages.open_envelope(payload, "state", parts.DEVICE), messages.Online)
    assert online.online
    assert online.backlog.records == 4
    assert online.clock.quality == "synced"


def running(play: Play) -> tuple[threading.Thread, threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=play.uplink.run, args=(stop,), daemon=True)
    thread.start()
    return thread, stop


def wait(done: object, limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while not done():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


def serve_hellos(play: Play, answered: set[str]) -> bool:
    """The server's part: answer each new hello with what it has (nothing)."""
    for hello in play.hellos():
        if hello.nonce not in answered and hello.epoch == play.journal.head().epoch:
            answered.add(hello.nonce)
            play.say(0, nonce=hello.nonce)
    return bool(answered)


@pytest.mark.parametrize("fresh", [False, True], ids=["the same journal", "a new epoch"])
def test_a_kiosk_daemon_that_restarts_is_greeted_again_and_everything_arrives(play: Play, short_folder: Path, fresh: bool) -> None:
    parts.fill(play.journal, 5)
    thread, stop = running(play)
    answered: set[str] = set()
    play.wire.events.put(Connected())
    wait(lambda: serve_hellos(play, answered) and play.batches())
    epoch = play.journal.head().epoch
    play.counter.kill()
    time.sleep(0.3)
    play.counter.start(short_folder / "another" if fresh else short_folder)
    if fresh:
        parts.fill(play.journal, 2)
    answered.clear()
    before = len(play.batches())
    wait(lambda: serve_hellos(play, answered) and len(play.batches()) > before)
    assert (play.journal.head().epoch != epoch) is fresh
    assert play.batches()[-1] == (1, 3 if fresh else 6)
    assert play.hellos()[-1].epoch == play.journal.head().epoch
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert not play.wire.started


def test_the_counter_gives_no_record_of_another_epoch(play: Play) -> None:
    parts.fill(play.journal, 3)
    with api.UplinkClient(play.counter.path) as client:
        epoch, _ = client.hello()
        assert client.records(epoch, 0, 0.0) is not None
        assert client.records(epoch, 4, 0.0) is None
        with pytest.raises(api.KioskRefused, match="say hello again"):
            client.records("f" * 32, 0, 0.0)


def test_the_last_will_says_offline_and_nothing_else(play: Play) -> None:
    with api.UplinkClient(play.counter.path) as client:
        data = messages.open_envelope(client.goodbye(), "state", parts.DEVICE)
    assert data["online"] is False
    assert set(data) == {"online", "session"}


def test_phases_are_what_they_are_called(play: Play) -> None:
    phases = [play.uplink._phase]
    play.wire.events.put(Connected())
    play.steps()
    phases.append(play.uplink._phase)
    play.answer_hello()
    play.steps()
    assert [*phases, play.uplink._phase] == [Phase.OFFLINE, Phase.GREETING, Phase.STREAMING]


def wanted(version: int, content: messages.Content | None = None) -> bytes:
    place, now = messages.Place(100, version), messages.write_time(parts.START)
    return messages.write_pages(parts.DEVICE, place, content or messages.Content(), SECRET.public_key(), POLICY_KEY, now)[0]


def apply_nothing(_place: messages.Place, _content: messages.Content) -> None:
    return


def test_the_hello_says_what_to_seal_to_and_which_desired_state_was_taken(play: Play) -> None:
    play.wire.events.put(Received(TOPICS.desired, wanted(3)))
    play.steps()
    assert play.counter.down.apply_whole(apply_nothing)
    play.wire.events.put(Connected())
    play.steps()
    hello = play.hellos()[-1]
    assert hello.sealing_key == messages.sealing_key_text(SECRET)
    assert (hello.desired_generation, hello.desired_version) == (100, 3)


def test_a_desired_state_that_comes_while_the_kiosk_daemon_is_away_is_handed_over_when_it_is_back(play: Play) -> None:
    play.counter.kill()
    play.wire.events.put(Received(TOPICS.desired, wanted(4)))
    with pytest.raises(api.KioskAway):
        play.steps()
    play.counter.start(play.counter.folder)
    play.steps()
    assert play.counter.down.apply_whole(apply_nothing)
    assert play.counter.down.kept.place == messages.Place(100, 4)


def test_a_desired_state_that_the_disk_does_not_take_is_handed_over_again_after_a_pause(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        tries.append(time.monotonic())
        raise database.StorageFull("desired.db: the disk is full")

    tries: list[float] = []
    with monkeypatch.context() as patched:
        patched.setattr(play.counter.down.kept, "keep_page", full)
        play.wire.events.put(Received(TOPICS.desired, wanted(4)))
        play.until(lambda: len(tries) == 3)
    assert all(after - before >= PATIENT.retry for before, after in itertools.pairwise(tries))
    play.until(lambda: play.counter.down.apply_whole(apply_nothing))
    assert play.counter.down.kept.place == messages.Place(100, 4)
    assert play.uplink._desired == {}


def test_a_desired_state_that_is_not_believed_is_handed_over_once(play: Play) -> None:
    refusals: list[int] = []
    play.counter.down.refused = lambda: refusals.append(1)
    play.wire.events.put(Received(TOPICS.desired, b"forged"))
    play.steps(8)
    assert refusals == [1]


def test_what_the_server_compresses_is_read_and_what_does_not_unfold_is_ignored(play: Play) -> None:
    play.wire.events.put(Received(TOPICS.desired, gzip.compress(wanted(3)), "gzip"))
    for payload, encoding in ((gzip.compress(bytes(1_000_000)), "gzip"), (wanted(4)[:-9], "gzip"), (wanted(4), "br")):
        play.wire.events.put(Received(TOPICS.desired, payload, encoding))
    play.steps()
    assert play.counter.down.apply_whole(apply_nothing)
    assert play.counter.down.kept.place == messages.Place(100, 3)
    play.stream()


def test_a_forged_desired_state_does_not_stop_the_records(play: Play) -> None:
    parts.fill(play.journal, 3)
    play.wire.events.put(Received(TOPICS.desired, b"forged"))
    play.stream()
    play.until(play.batches)
    assert play.batches() == [(1, 4)]


def test_records_are_sent_again_when_the_enterprise_asks_for_them(play: Play) -> None:
    parts.fill(play.journal, 5)
    play.stream()
    play.until(play.batches)
    play.say(6)
    play.steps(2)
    play.counter.post.rewind(messages.Rewind("r", play.journal.head().epoch, 2, "ops"))
    hellos = len(play.hellos())
    with pytest.raises(api.KioskRefused, match="say hello again"):
        play.until(lambda: False)
    play.uplink._greet_again()
    play.until(lambda: len(play.hellos()) > hellos)
    play.answer_hello(6)
    play.until(lambda: len(play.batches()) > 1)
    assert play.batches()[-1] == (3, 6)


def ask_again(play: Play, after: int) -> None:
    """The enterprise wants them once more, and the uplink hears of it when it asks for the next ones."""
    play.counter.post.rewind(messages.Rewind("r", play.journal.head().epoch, after, "ops"))
    play.say(play.journal.head().seq)
    with pytest.raises(api.KioskRefused, match="say hello again"):
        play.until(lambda: False)
    play.uplink._greet_again()
    greet(play)


def greet(play: Play) -> None:
    said = len(play.hellos())
    play.until(lambda: len(play.hellos()) > said)
    play.answer_hello(play.journal.head().seq)


def sends_next(play: Play, first: int) -> None:
    """The batch that begins there is sent, and no other beside it."""
    sent = len(play.batches())
    play.until(lambda: len(play.batches()) > sent)
    play.steps(2)
    assert [begins for begins, _ in play.batches()[sent:]] == [first]


def test_what_is_sent_again_goes_on_where_it_was_after_a_lost_connection_and_after_a_restart(play: Play) -> None:
    parts.fill(play.journal, 899)
    play.stream(900)
    play.steps(3)
    ask_again(play, 0)
    sends_next(play, 1)
    play.say(900)
    sends_next(play, 201)
    play.wire.events.put(Disconnected("cable"))
    play.wire.events.put(Connected())
    greet(play)
    sends_next(play, 201)
    play.say(900)
    sends_next(play, 401)
    play.counter.kill()
    play.counter.start(play.counter.folder)
    play.say(900)
    with pytest.raises(api.KioskRefused, match="say hello again"):
        play.until(lambda: False)
    play.uplink._greet_again()
    greet(play)
    sends_next(play, 401)
    for first in (601, 801):
        play.say(900)
        sends_next(play, first)
    play.say(900)
    play.steps(2)
    sent = len(play.batches())
    play.wire.events.put(Disconnected("cable"))
    play.wire.events.put(Connected())
    greet(play)
    play.steps(3)
    assert len(play.batches()) == sent, "all of it was there again"


def test_of_two_wishes_for_the_same_records_the_earlier_beginning_counts(play: Play) -> None:
    parts.fill(play.journal, 899)
    play.stream(900)
    play.steps(3)
    ask_again(play, 500)
    sends_next(play, 501)
    ask_again(play, 300)
    sends_next(play, 301)
    play.say(900)
    sends_next(play, 501)
    ask_again(play, 800)
    sends_next(play, 501)


def test_a_restored_server_gets_what_it_lacks_whatever_else_it_wanted_again(play: Play) -> None:
    parts.fill(play.journal, 899)
    play.stream(900)
    play.steps(3)
    ask_again(play, 700)
    sends_next(play, 701)
    play.wire.events.put(Disconnected("cable"))
    play.wire.events.put(Connected())
    said = len(play.hellos())
    play.until(lambda: len(play.hellos()) > said)
    play.answer_hello(100)
    play.until(lambda: len(play.batches()) == 5)
    assert play.batches() == [(701, 900), (101, 300), (301, 500), (501, 700), (701, 900)]


@pytest.mark.parametrize(("epoch", "after"), [("f" * 32, 2), ("", 7)])
def test_records_that_are_not_here_cannot_be_asked_for(play: Play, epoch: str, after: int) -> None:
    parts.fill(play.journal, 5)
    with pytest.raises(journal.JournalError, match="kept from 1 to 6"):
        play.counter.post.rewind(messages.Rewind("r", epoch or play.journal.head().epoch, after, "ops"))


def test_the_watchdog_is_fed_while_the_loop_goes_on_and_no_longer(play: Play) -> None:
    play.uplink._patience = replace(PATIENT, hang=8.0)
    thread, stop = running(play)

    def goes_on() -> bool:
        before = play.uplink._stepped
        wait(lambda: play.uplink._stepped > before)
        return play.uplink.works()

    assert goes_on()
    play.counter.kill()
    assert goes_on()
    assert goes_on()  # a kiosk daemon that is away is waited for, not hung upon
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    play.uplink._patience = replace(PATIENT, hang=0.3)
    wait(lambda: not play.uplink.works())
    play.counter.start(play.counter.folder)
