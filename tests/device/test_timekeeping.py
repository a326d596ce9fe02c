"""The kiosk's clock: what is trusted, what is written down, and that nothing old is ever taken for now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from device import attend, clock, config, database, journal, messages, post, server, timekeeping
from device.clock import Quality
from device.messages import Source
from tests.device import parts
from tests.machine import Machine

SECOND = timedelta(seconds=1)


@dataclass
class Kiosk:
    """A journal, the uplink's counter and the timekeeper over clocks that the test moves."""

    machine: Machine
    keeper: timekeeping.Timekeeper
    journal: journal.Journal
    client: Any
    server: parts.Server

    def hello(self) -> str:
        """Say hello; the nonce."""
        nonce = messages.parse(self.client.get("/v1/hello", headers={"Host": "kiosk"}).data)["data"]["nonce"]
        assert isinstance(nonce, str)
        return nonce

    def answer(self, nonce: str, said: datetime | None = None) -> bytes:
        """What the server says now, or said at another time."""
        head = self.journal.head()
        return acknowledgement(self.server, head, nonce, said or self.machine.true())

    def take(self, payload: bytes) -> int:
        return int(self.client.post("/v1/acknowledgement", data=payload, headers={"Host": "kiosk"}).status_code)

    def get_time(self, trip_s: float = 0.2, wrong_by: timedelta = timedelta(0)) -> bytes:
        """One hello and its answer, `trip_s` seconds in all."""
        nonce = self.hello()
        self.machine.pass_(trip_s / 2)
        payload = self.answer(nonce, self.machine.true() + wrong_by)
        self.machine.pass_(trip_s / 2)
        assert self.take(payload) == 200
        return payload

    def times(self) -> list[messages.TimeBody]:
        return [body for body in self.bodies() if isinstance(body, messages.TimeBody)]

    def actions(self) -> list[str]:
        return [body.action for body in self.bodies() if isinstance(body, messages.Audit)]

    def bodies(self) -> list[messages.Body]:
        stretch = self.journal.stretch(0)
        assert stretch is not None
        return [messages.read_body(messages.read_record(messages.parse(text))) for text in stretch.texts]

    def punch(self) -> datetime:
        """A punch now; the truth about when."""
        self.journal.append(parts.punch(), self.keeper.now())
        return self.machine.true()

    def read(self) -> list[messages.Corrected]:
        line = self.journal.timeline()
        return [line.correct(record.stamp) for record in self.journal.punches(0, 100)]


def acknowledgement(server: parts.Server, head: journal.Head, nonce: str, said: datetime) -> bytes:
    answer = messages.Acknowledgement(head.epoch, head.seq, head.hash, 4, 0, messages.write_time(said), nonce)
    data = messages.signed(answer, server.key, messages.Purpose.ACKNOWLEDGEMENT, parts.DEVICE)
    return messages.seal_envelope("acknowledgement", parts.DEVICE, f"{head.epoch}/{head.seq}", messages.write_time(said), data)


def start(folder: Path, machine: Machine) -> Kiosk:
    keeper = timekeeping.Timekeeper(machine)
    opened = journal.open_journal(folder / "journal.db", parts.DEVICE, parts.signing_key(), parts.SOFTWARE, keeper.now())
    keeper.resume(opened.anchors(keeper.now().boot_id), opened.append)
    keeper.look()
    enterprise = parts.Server()
    settings = config.parse({"uplink": {"server_key": messages.public_key_text(enterprise.key)}})
    counter = post.Post(opened, settings, keeper, folder, keeper)
    client = server.application("uplink", post.uplink_routes(counter)).test_client()
    return Kiosk(machine, keeper, opened, client, enterprise)


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    """It booted at 1970 and nobody has told it the time."""
    made = start(tmp_path, Machine())
    yield made
    made.journal.close()


def test_a_kiosk_that_never_heard_the_time_punches_all_the_same_and_says_so(kiosk: Kiosk) -> None:
    kiosk.punch()
    (record,) = kiosk.journal.punches(0, 10)
    assert record.stamp.time_quality == "unsynced"
    assert record.stamp.at.year == 1970
    assert kiosk.times() == []
    assert kiosk.read()[0].review


def test_the_servers_answer_to_this_hello_puts_earlier_and_later_punches_right(kiosk: Kiosk) -> None:
    truth = [kiosk.punch()]
    kiosk.machine.pass_(600)
    kiosk.get_time()
    truth.append(kiosk.punch())
    kiosk.machine.pass_(600)
    truth.append(kiosk.punch())
    found = kiosk.read()
    assert all(abs(right.at - true) < SECOND for right, true in zip(found, truth, strict=True))
    assert [right.quality for right in found] == [Quality.CORRECTED] * 3
    (body,) = kiosk.times()
    assert (body.source, body.uncertainty_us, body.wall.year) == (Source.SERVER, 100_000, 1970)
    assert kiosk.journal.punches(0, 10)[0].stamp.at.year == 1970  # what was written stays


def test_a_moment_after_the_answer_carries_the_trusted_time_itself(kiosk: Kiosk) -> None:
    kiosk.get_time()
    now = kiosk.keeper.now()
    assert abs(now.at - kiosk.machine.true()) < SECOND
    assert now.quality is Quality.CORRECTED
    kiosk.punch()
    assert kiosk.read()[0].at == kiosk.journal.punches(0, 10)[0].stamp.at


def test_one_boot_is_told_the_time_once_however_often_it_says_hello(kiosk: Kiosk) -> None:
    for _ in range(5):
        kiosk.get_time()
        kiosk.machine.pass_(30)
        kiosk.keeper.look()
    assert len(kiosk.times()) == 1


@pytest.mark.parametrize("nonce", ["", "0" * 32])
def test_a_retained_or_replayed_acknowledgement_gives_no_time(kiosk: Kiosk, nonce: str) -> None:
    old = kiosk.answer(nonce, datetime(2026, 11, 1, tzinfo=UTC))
    kiosk.hello()
    assert kiosk.take(old) == 200
    assert kiosk.times() == []
    assert kiosk.keeper.now().quality is Quality.UNSYNCED


def test_the_same_answer_a_second_time_gives_no_second_time(kiosk: Kiosk) -> None:
    payload = kiosk.get_time()
    kiosk.machine.pass_(3_600)
    assert kiosk.take(payload) == 200
    assert len(kiosk.times()) == 1
    assert abs(kiosk.keeper.now().at - kiosk.machine.true()) < SECOND


def test_an_answer_that_took_too_long_or_speaks_of_1970_is_not_used(kiosk: Kiosk) -> None:
    kiosk.get_time(trip_s=300)
    kiosk.get_time(wrong_by=-(kiosk.machine.true() - datetime(1970, 1, 1, tzinfo=UTC)))
    assert kiosk.times() == []


def test_a_forged_answer_gives_no_time(kiosk: Kiosk) -> None:
    nonce = kiosk.hello()
    forged = acknowledgement(parts.Server(parts.signing_key(7)), kiosk.journal.head(), nonce, kiosk.machine.true())
    assert kiosk.take(forged) == 409
    assert kiosk.times() == []


def test_ntp_is_a_trusted_time_where_no_server_has_spoken(kiosk: Kiosk) -> None:
    truth = [kiosk.punch()]
    kiosk.machine.pass_(60)
    kiosk.machine.discipline()
    kiosk.keeper.look()
    truth.append(kiosk.punch())
    found = kiosk.read()
    assert [right.at for right in found] == truth
    assert [right.quality for right in found] == [Quality.CORRECTED, Quality.SYNCED]
    assert [body.source for body in kiosk.times()] == [Source.NTP]
    assert kiosk.keeper.standing().source == "ntp"


def test_a_disciplined_clock_that_says_1970_is_not_believed(tmp_path: Path) -> None:
    made = start(tmp_path, Machine(disciplined=True))
    assert made.times() == []
    assert made.keeper.now().quality is Quality.UNSYNCED
    made.journal.close()


def test_server_and_ntp_apart_is_an_alarm_and_the_server_is_believed(kiosk: Kiosk) -> None:
    kiosk.machine.discipline()
    kiosk.machine.step(timedelta(hours=1))  # its NTP source is wrong
    kiosk.keeper.look()
    wrong = kiosk.punch()
    kiosk.machine.pass_(60)
    kiosk.get_time()
    kiosk.keeper.look()
    right = kiosk.punch()
    assert abs(kiosk.keeper.standing().disagrees_by_us - 3_600_000_000) < 1_000_000
    assert kiosk.keeper.standing().source == "server"
    assert kiosk.actions() == ["clock_sources_disagree"]
    assert all(abs(found.at - true) < SECOND for found, true in zip(kiosk.read(), [wrong, right], strict=True))
    state = messages.parse(kiosk.client.get("/v1/state", headers={"Host": "kiosk"}).data)["data"]["clock"]
    assert (state["source"], state["quality"], state["disagrees_by_us"] > 3_599_000_000) == ("server", "corrected", True)
    kiosk.machine.step(-timedelta(hours=1))
    kiosk.keeper.look()
    assert kiosk.actions() == ["clock_sources_disagree", "clock_sources_agree"]
    assert kiosk.keeper.standing().disagrees_by_us == 0


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_step_of_the_wall_clock_is_on_record_and_moves_no_punch(kiosk: Kiosk, hours: int) -> None:
    kiosk.machine.wall_us = kiosk.machine.true_us
    kiosk.get_time()
    truth = [kiosk.punch()]
    kiosk.machine.pass_(60)
    kiosk.machine.step(timedelta(hours=hours))
    truth.append(kiosk.punch())
    kiosk.keeper.look()
    truth.append(kiosk.punch())
    before, after = kiosk.times()
    assert before.utc == after.utc
    assert abs(after.wall - kiosk.machine.true() - timedelta(hours=hours)) < SECOND
    found = kiosk.read()
    assert all(abs(right.at - true) < SECOND for right, true in zip(found, truth, strict=True))
    assert [right.quality for right in found] == [Quality.SYNCED, Quality.CORRECTED, Quality.CORRECTED]


def test_drift_past_the_limit_is_anchored_anew_and_what_lies_between_is_interpolated(kiosk: Kiosk) -> None:
    kiosk.machine.drift_ppm = 100
    kiosk.get_time()
    truth = []
    for _ in range(8):
        kiosk.machine.pass_(3_600)
        truth.append(kiosk.punch())
    kiosk.get_time()
    assert len(kiosk.times()) == 2
    assert max(abs(right.at - true) for right, true in zip(kiosk.read(), truth, strict=True)) < SECOND
    last = kiosk.journal.punches(0, 100)[-1]
    assert abs(last.stamp.at - truth[-1]) > 2 * SECOND  # uncorrected it would be off by almost three


def test_a_daemon_that_starts_again_in_the_same_boot_goes_on_with_what_it_knew(kiosk: Kiosk, tmp_path: Path) -> None:
    kiosk.get_time()
    kiosk.journal.close()
    again = start(tmp_path, kiosk.machine)
    assert again.keeper.now().quality is Quality.CORRECTED
    assert abs(again.keeper.now().at - again.machine.true()) < SECOND
    assert len(again.times()) == 1
    again.journal.close()


def test_a_boot_that_never_got_time_lies_between_two_that_did(kiosk: Kiosk, tmp_path: Path) -> None:
    kiosk.get_time()
    truth = [kiosk.punch()]
    for told in (False, True):
        kiosk.journal.close()
        kiosk.machine.boot()
        kiosk = start(tmp_path, kiosk.machine)
        if told:
            kiosk.get_time()
        truth.append(kiosk.punch())
    first, second, third = kiosk.read()
    assert [one.review for one in (first, second, third)] == [False, True, False]
    assert second.earliest is not None
    assert second.latest is not None
    assert first.at < second.earliest <= truth[1] <= second.latest < third.at
    assert second.earliest <= second.at <= second.latest
    assert abs(third.at - truth[2]) < SECOND
    kiosk.journal.close()


def test_a_time_that_cannot_be_written_down_is_not_followed_until_it_can(kiosk: Kiosk) -> None:
    failing = True

    def write(body: messages.Body, moment: clock.Moment) -> None:
        if failing:
            raise database.StorageFull("journal.db: full")
        kiosk.journal.append(body, moment)

    kiosk.keeper.resume((), write)
    kiosk.machine.discipline()
    with pytest.raises(database.StorageFull):
        kiosk.keeper.look()
    assert kiosk.keeper.standing().source == "none"
    kiosk.get_time()  # the acknowledgement itself is taken all the same
    failing = False
    kiosk.keeper.look()
    assert kiosk.keeper.standing().source == "ntp"


def test_a_punch_of_1970_is_not_old_enough_to_be_removed_once_the_clock_is_right(kiosk: Kiosk) -> None:
    kiosk.punch()
    kiosk.machine.pass_(60)
    kiosk.get_time()
    head = kiosk.journal.head()
    assert kiosk.journal.oldest_unacknowledged() is None or head.acknowledged < head.seq
    assert kiosk.journal.prune(kiosk.machine.true() - timedelta(days=30), 2**40) == 0
    assert kiosk.journal.prune(kiosk.machine.true() + timedelta(seconds=1), 2**40) == head.acknowledged - 1


def test_an_anchor_outlives_its_record_for_as_long_as_its_boot_has_records(kiosk: Kiosk) -> None:
    kiosk.get_time()
    for _ in range(20):
        kiosk.machine.pass_(60)
        kiosk.punch()
    kiosk.take(kiosk.answer(""))
    kiosk.journal.prune(kiosk.machine.true() - timedelta(minutes=5), 2**40)
    assert kiosk.times() == []
    assert all(not right.review for right in kiosk.read())


def test_an_anchor_that_somebody_changes_in_the_file_is_found(kiosk: Kiosk, tmp_path: Path) -> None:
    kiosk.get_time()
    kiosk.journal.verify()
    with database.Database(tmp_path / "journal.db", "journal").transaction() as connection:
        connection.execute("UPDATE anchor SET utc = replace(utc, '2026', '2027')")
    with pytest.raises(journal.ChainBroken, match="trusted time"):
        kiosk.journal.verify()


def test_a_punch_of_another_boot_is_compared_by_its_corrected_time(kiosk: Kiosk, tmp_path: Path) -> None:
    kiosk.journal.append(parts.punch(), kiosk.keeper.now())
    kiosk.machine.pass_(60)
    kiosk.get_time()
    kiosk.journal.close()
    kiosk.machine.boot(seconds_off=600)
    kiosk.machine.discipline()
    again = start(tmp_path, kiosk.machine)
    last = again.journal.last_punch(parts.ADA)
    assert last is not None
    assert timedelta(minutes=10) < attend.elapsed(last.moment, again.keeper.now()) < timedelta(minutes=12)
    again.journal.close()
