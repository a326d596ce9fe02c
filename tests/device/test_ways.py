"""The ways without a face end where a face ends: in one record, or in a reason that accuses nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import api, attend, camera, cards, claims, clock, config, desk, gallery, journal, line, messages, ways
from device.consent import Purpose
from device.messages import Method, Reason
from device.page import scene
from device.people import Directory, Person, credentials
from device.recognise import Claimed, Waiting
from device.tries import Tries
from models.openset import Bound
from tests.device import parts
from tests.device.test_line import POLICY, Script
from tests.device.test_people import AGREED, EMBEDDER, vector

PIN, OTHER = "482913", "730518"
ADA, BOB = parts.ADA, parts.BOB  # Ada has a template and every other way, Bob has refused; Bob is a supervisor


@dataclass
class Counter:
    """The ways of one kiosk, with everything beside them that is real."""

    ways: ways.Ways
    directory: Directory
    journal: journal.Journal
    board: line.Board
    line: line.Line
    clock: parts.Clock
    claimed: list[Claimed]

    def records(self) -> list[messages.PunchBody]:
        found = []
        for record in self.journal.punches(0, 100):
            body = messages.read_body(record)
            assert isinstance(body, messages.PunchBody)
            found.append(body)
        return found


Make = Callable[..., Counter]


@pytest.fixture
def make(tmp_path: Path, opened: journal.Journal) -> Iterator[Make]:
    directory = Directory(tmp_path / "people.db", bytes(range(32)))
    directory.add(Person(ADA, "1001", "Ada", "en"), parts.START)
    directory.agree(ADA, AGREED, parts.START)
    directory.add_template(ADA, EMBEDDER, "photograph", vector(1), parts.START)
    directory.add(Person(BOB, "1002", "Bob", "zh-TW", supervisor=True), parts.START)
    kept = directory.credentials
    kept.set_pin(ADA, "1001", PIN, parts.START, must_change=False)
    kept.set_pin(BOB, "1002", OTHER, parts.START, must_change=False)
    for person, badge in ((ADA, "badge-ada"), (BOB, "badge-bob")):
        kept.add_code(person, "badge", badge, parts.START)

    def made(time_source: clock.Clock | None = None, **rules: object) -> Counter:
        ticking, board, claimed = parts.Clock(), line.Board(), list[Claimed]()
        keeper = gallery.Keeper(directory, EMBEDDER, gallery.Terms((Bound(0.4, 1e-6),), gallery.Promise(), 0.4))
        counter = claims.Claims(directory, keeper, EMBEDDER, ticking, 15.0, claimed.append)
        office = desk.Desk(opened, directory, ticking, lambda: pytest.fail("nobody looks at a picture here"))
        walk = line.Line(Script([]), opened, office, board, POLICY, parts.MODELS, "gate 1")
        chosen = config.Ways.model_validate(rules)
        counted = ways.Ways(directory, walk, board, counter, time_source or ticking, chosen)
        return Counter(counted, directory, opened, board, walk, ticking, claimed)

    yield made
    directory.close()


def test_number_and_pin_make_a_punch_like_a_face_does(make: Make) -> None:
    kiosk = make()
    said = kiosk.ways.pin("1001", PIN)
    assert (said.outcome, said.name, said.direction, said.method) == ("punched", "Ada", "in", "pin")
    (record,) = kiosk.records()
    assert record == messages.PunchBody(
        ADA, Method.PIN, messages.Direction.IN, 0, 0, messages.Liveness.NOT_ASSESSED, messages.Capture.NONE,
        messages.Models("", ""), "gate 1", parts.START,
    )  # fmt: skip
    assert said.hash == kiosk.journal.head().hash
    assert kiosk.board.after(0, 0)[0].hash == said.hash, "the screen shows it, too"
    kiosk.clock.seconds = 3_600
    assert kiosk.ways.pin("1001", PIN).direction == "out"


def test_a_second_pin_within_a_minute_is_not_a_second_punch(make: Make) -> None:
    kiosk = make()
    first, second = kiosk.ways.pin("1001", PIN), kiosk.ways.pin("1001", PIN)
    assert (second.outcome, second.why, second.seq) == ("refused", attend.Why.TOO_SOON, first.seq)
    assert len(kiosk.records()) == 1


def test_a_number_with_letters_counts_in_small_and_large_ones_unless_it_is_another_persons(make: Make) -> None:
    kiosk, third = make(), "p-" + "3" * 32
    for person, number in ((ADA, "hr-Emp-1"), (BOB, "a7"), (third, "A7")):
        if person == third:
            kiosk.directory.add(Person(third, number, "Cy", "en"), parts.START)
        else:
            with kiosk.directory.database.transaction() as connection:
                connection.execute("UPDATE person SET number = ? WHERE person = ?", (number, person))
    assert kiosk.ways.pin("HR-EMP-1", OTHER).why == "wrong"
    assert kiosk.ways.pin("HR-EMP-1", PIN).outcome == "punched"
    assert kiosk.ways.pin("a7", OTHER).outcome == "punched"
    assert kiosk.ways.pin("A7", OTHER).why == "wrong", "that is somebody else"
    assert kiosk.ways.change_pin("HR-EMP-1", PIN, "591730").outcome == "pin_changed"
    for number in ("hr-emp-1", "HR-emp-1"):
        for _ in range(4):
            kiosk.ways.pin(number, OTHER)
    assert kiosk.ways.pin("Hr-emp-1", "591730").why == "wait", "another case is no more tries"


def test_nobody_is_told_whether_the_number_or_the_pin_was_wrong(make: Make) -> None:
    kiosk = make()
    said = [kiosk.ways.pin(number, pin) for number, pin in (("1001", OTHER), ("4711", PIN), ("", ""), ("x" * 5_000, PIN))]
    assert {(one.outcome, one.why, one.name, one.person) for one in said} == {("refused", "wrong", "", "")}
    assert kiosk.records() == []


def test_a_disk_that_cannot_be_read_is_said_whatever_one_asks_at_the_counter_and_one_may_try_again(make: Make) -> None:
    kiosk = make()
    ticket = kiosk.ways.badge("badge-bob").ticket
    kiosk.ways.pin("1001", PIN)
    file = kiosk.directory.database.path
    kiosk.directory.close()
    file.rename(file.with_suffix(".away"))
    file.mkdir()
    said = [
        kiosk.ways.pin("1001", PIN),
        kiosk.ways.change_pin("1001", PIN, "591730"),
        kiosk.ways.code("DAKA3:whatever"),
        kiosk.ways.badge("badge-ada"),
        kiosk.ways.complete(ticket, OTHER),
        kiosk.ways.assist(ticket, OTHER, "1001", "forgotten"),
    ]
    assert {(one.outcome, one.why, one.person) for one in said} == {("refused", ways.No.NOT_READ, "")}
    assert len(kiosk.records()) == 1
    file.rmdir()
    file.with_suffix(".away").rename(file)
    assert kiosk.ways.complete(ticket, OTHER).outcome == "punched", "what was shown before still counts"


def test_our_own_failures_make_nobody_late(make: Make) -> None:
    kiosk = make()
    kiosk.ways.pin("1001", OTHER)
    kiosk.clock.seconds = 20
    kiosk.ways.pin("1001", PIN)
    assert kiosk.records()[0].first_attempt_at == parts.START


def test_nobody_elses_tries_hold_an_attempt_open_for_long(make: Make) -> None:
    """A wrong PIN every 50 seconds before somebody comes would have had them there ten minutes early."""
    kiosk = make()
    for seconds in range(0, 600, 50):
        kiosk.clock.seconds = seconds
        kiosk.ways.pin("1001", OTHER)
    came = kiosk.clock.seconds = 640
    while kiosk.ways.pin("1001", PIN).outcome != "punched":
        kiosk.clock.seconds += 10
    assert kiosk.records()[0].first_attempt_at >= parts.moment(came - 120).at


def test_an_attempt_is_two_minutes_long_at_most_and_waiting_does_not_prolong_it() -> None:
    tries = Tries()
    begun = tries.first("1001", parts.moment(0))
    for seconds in (50, 100):
        assert tries.first("1001", parts.moment(seconds)) == begun
        tries.judged("1001", parts.moment(seconds))
    assert tries.first("1001", parts.moment(119)) == begun
    assert tries.first("1001", parts.moment(120)) == parts.moment(120)
    assert tries.first("1001", parts.moment(170)) == parts.moment(120), "told to wait"
    assert tries.first("1001", parts.moment(181)) == parts.moment(181), "a minute after the last try that was looked at"


def test_whoever_is_told_to_wait_does_not_prolong_the_attempt_of_others(make: Make) -> None:
    kiosk = make()
    for seconds in (0, 1, 2, 8, 19, 40):
        kiosk.clock.seconds = seconds
        assert kiosk.ways.pin("1001", OTHER).why == "wrong"
    kiosk.clock.seconds = 70
    assert kiosk.ways.pin("1001", PIN).why == "wait"
    kiosk.clock.seconds = 105
    assert kiosk.ways.pin("1001", PIN).outcome == "punched"
    assert kiosk.records()[0].first_attempt_at == parts.moment(105).at


def test_nobody_who_was_erased_has_a_ticket_still(make: Make) -> None:
    kiosk = make()
    ticket = kiosk.ways.pin("1001", PIN, punch=False).ticket
    others = kiosk.ways.pin("1002", OTHER, punch=False).ticket
    kiosk.ways.forget(ADA)
    assert kiosk.ways.owner(ticket) is None
    assert kiosk.ways.owner(others) is not None


def test_an_assigned_pin_is_changed_and_then_clocks_in(make: Make) -> None:
    kiosk = make()
    kiosk.directory.credentials.set_pin(BOB, "1002", PIN, parts.START, must_change=True)
    assert kiosk.ways.pin("1002", PIN).why == ways.No.PIN_MUST_CHANGE
    assert kiosk.ways.change_pin("1002", PIN, "123456").why == ways.No.PIN_UNFIT
    assert kiosk.ways.change_pin("1002", OTHER, "918273").why == ways.No.WRONG
    assert kiosk.ways.change_pin("1002", PIN, OTHER).outcome == "pin_changed"
    kiosk.clock.seconds = 30
    assert kiosk.ways.pin("1002", OTHER).outcome == "punched"
    assert kiosk.records()[0].first_attempt_at == parts.START


@pytest.mark.parametrize(("number", "old"), [("\ud800", PIN), ("1002", "\ud800"), ("1" * 1_000, PIN), ("1002", "4" * 100_000)])
def test_a_change_of_pin_with_a_number_that_nobody_can_type_is_wrong_and_breaks_nothing(make: Make, number: str, old: str) -> None:
    assert make().ways.change_pin(number, old, OTHER).why == ways.No.WRONG


def test_a_badge_says_who_and_the_face_or_the_pin_completes_it(make: Make) -> None:
    kiosk = make()
    said = kiosk.ways.badge("badge-ada")
    assert (said.outcome, said.name, said.complete_by) == ("identified", "Ada", ("face", "pin"))
    assert [(claim.person, claim.by) for claim in kiosk.claimed] == [(ADA, attend.Claim.BADGE)]
    assert kiosk.records() == []
    assert kiosk.ways.complete(said.ticket, OTHER).why == "wrong"
    assert kiosk.ways.complete(said.ticket, PIN).method == "badge+pin"
    assert kiosk.ways.complete(said.ticket, PIN).why == ways.No.TICKET_GONE


def test_without_consent_no_face_is_waited_for(make: Make) -> None:
    kiosk = make()
    said = kiosk.ways.badge("badge-bob")
    assert said.complete_by == ("pin",)
    assert kiosk.claimed == []
    assert said.language == "zh-TW"


def test_policy_may_take_a_badge_alone(make: Make) -> None:
    kiosk = make(badge_completed_by="nothing")
    said = kiosk.ways.badge("badge-bob")
    assert (said.outcome, said.method) == ("punched", "badge")
    kiosk = make(badge_completed_by="pin")
    assert kiosk.ways.badge("badge-ada").complete_by == ("pin",)


def test_a_badge_that_nothing_completes_is_no_dead_end(make: Make) -> None:
    kiosk = make()
    kiosk.directory.credentials.remove_pin(BOB)
    assert kiosk.ways.badge("badge-bob").why == ways.No.NOTHING_COMPLETES


def test_a_printed_code_works_like_a_badge(make: Make) -> None:
    kiosk = make()
    text = kiosk.directory.credentials.new_static_code(BOB, parts.START)
    said = kiosk.ways.code(text)
    assert kiosk.ways.complete(said.ticket, OTHER).method == "qr+pin"
    assert kiosk.records()[0].method == Method.QR_AND_PIN


def shown(phone: credentials.Phone, seconds: float = 0.0) -> str:
    return credentials.phone_text(phone.phone, credentials.rotating(phone.secret).at(parts.moment(seconds).at))


def test_whoever_holds_up_a_wrong_code_too_often_is_told_to_wait_where_it_is_seen(make: Make) -> None:
    kiosk = make()
    phone = kiosk.directory.credentials.new_phone(BOB, parts.START)
    wrong = credentials.phone_text(phone.phone, "000000")
    said = [kiosk.ways.code(wrong) for _ in range(20)]
    assert {one.why for one in said} == {ways.No.UNKNOWN_CODE, ways.No.CODE_WAIT}
    assert said[-1].wait_s > 0
    assert all(scene.is_for_the_hall(one) for one in said), "there is no pad where it would be said"


def test_a_phones_code_clocks_in_by_itself_and_a_photograph_of_it_does_not(make: Make) -> None:
    kiosk = make()
    phone = kiosk.directory.credentials.new_phone(BOB, parts.START)
    code = shown(phone)
    assert kiosk.ways.code(code).method == "qr"
    kiosk.clock.seconds = 120
    assert kiosk.ways.code(code).why == ways.No.UNKNOWN_CODE


def test_a_kiosk_that_does_not_know_the_time_asks_for_another_way(make: Make) -> None:
    class Unsure:
        def now(self) -> clock.Moment:
            return clock.Moment(parts.START, 0, parts.BOOT_ID, clock.Quality.UNSYNCED)

    kiosk = make(Unsure())
    phone = kiosk.directory.credentials.new_phone(BOB, parts.START)
    assert kiosk.ways.code(shown(phone)).why == ways.No.CLOCK_UNSURE
    assert kiosk.ways.pin("1002", OTHER).outcome == "punched"


def test_a_face_card_waits_for_that_face(make: Make) -> None:
    kiosk = make()
    kiosk.directory.agree(ADA, replace(AGREED, purpose=Purpose.FACE_CARD), parts.START)
    _, text = kiosk.directory.issue_card(ADA, EMBEDDER, vector(1), parts.START, parts.START + timedelta(days=1))
    said = kiosk.ways.code(text)
    assert (said.outcome, said.complete_by, said.name) == ("identified", ("face",), "Ada")
    assert kiosk.claimed[0].by is attend.Claim.QR
    assert kiosk.ways.code(cards.PREFIX + "AAAA").why == ways.No.CARD_REFUSED


HOSTILE = [
    "",
    "'; DROP TABLE person; --",
    "https://example.org/" + "x" * 2_000,
    "DAKA1:",
    "DAKA2:",
    "DAKA2::",
    "DAKA2:\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
    "DAKA3:'OR 1=1--",
    "%s%n%x" * 50,
    "\x00\x1b[2J",
    "WIFI:S:x;T:WPA;P:secret;;",
    "<script>alert(1)</script>",
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_code_or_badge_is_nobodys_and_enters_no_log(make: Make, text: str, caplog: pytest.LogCaptureFixture) -> None:
    kiosk = make()
    with caplog.at_level(logging.DEBUG):
        answers = [kiosk.ways.code(text), kiosk.ways.badge(text), kiosk.ways.pin(text, text), kiosk.ways.complete(text, text)]
    assert {answer.outcome for answer in answers} == {"refused"}
    assert len(kiosk.directory.list()) == 2
    assert not text or text not in caplog.text
    assert kiosk.records() == []


@given(text=st.text(max_size=1_200))
def test_no_code_at_all_breaks_the_counter(make: Make, text: str) -> None:
    assert make().ways.code(text).outcome == "refused"


def vouched(
    kiosk: Counter, number: str = "1001", reason: str = "forgotten", pin: str = OTHER, badge: str = "badge-bob"
) -> api.Decision:
    first = kiosk.ways.badge(badge, punch=False)
    return kiosk.ways.assist(first.ticket, pin, number, reason)


def test_a_supervisor_vouches_with_two_factors_and_a_reason_and_it_is_marked_so(make: Make) -> None:
    kiosk = make()
    said = vouched(kiosk)
    assert (said.outcome, said.method, said.name) == ("punched", "supervisor", "Ada")
    (record,) = kiosk.records()
    assert (record.person, record.method, record.assisted_by, record.reason) == (ADA, Method.SUPERVISOR, BOB, Reason.FORGOTTEN)
    assert kiosk.board.after(0, 0)[-1].name == "Ada", "the employee sees it"


def test_a_supervisor_vouches_never_for_themself_never_without_a_reason_and_never_with_one_factor(make: Make) -> None:
    kiosk = make()
    assert vouched(kiosk, number="1002").why == ways.No.NOT_ONESELF
    assert vouched(kiosk, reason="").why == ways.No.NO_REASON
    assert vouched(kiosk, reason="because").why == ways.No.NO_REASON
    assert vouched(kiosk, pin=PIN).why == ways.No.WRONG
    assert vouched(kiosk, number="4711").why == ways.No.UNKNOWN_PERSON
    assert vouched(kiosk, number="1002", pin=PIN, badge="badge-ada").why == ways.No.NOT_A_SUPERVISOR
    only_pin = kiosk.ways.pin("1002", OTHER, punch=False)
    assert kiosk.ways.assist(only_pin.ticket, OTHER, "1001", "forgotten").why == ways.No.ONE_FACTOR
    assert kiosk.ways.assist("nonsense", OTHER, "1001", "forgotten").why == ways.No.TICKET_GONE
    assert vouched(make(assisted=False)).why == ways.No.SWITCHED_OFF
    assert kiosk.records() == []


def test_whoever_has_left_clocks_in_no_more_and_vouches_for_nobody(make: Make) -> None:
    kiosk = make()
    with kiosk.directory.database.transaction() as connection:
        connection.execute("UPDATE person SET expires_at = ?", (messages.write_time(parts.START),))
    assert kiosk.ways.pin("1001", PIN).why == attend.Why.EXPIRED
    assert vouched(kiosk).why == ways.No.NOT_A_SUPERVISOR


def test_a_way_that_is_switched_off_says_so(make: Make) -> None:
    kiosk = make(pin=False, phone=False)
    phone = kiosk.directory.credentials.new_phone(BOB, parts.START)
    assert kiosk.ways.pin("1001", PIN).why == ways.No.SWITCHED_OFF
    assert kiosk.ways.code(shown(phone)).why == ways.No.SWITCHED_OFF


def test_a_ticket_opens_ones_own_affairs_for_minutes_and_a_copied_code_opens_none(make: Make) -> None:
    kiosk = make()
    verified = kiosk.ways.pin("1001", PIN, punch=False)
    badge = kiosk.ways.badge("badge-ada", punch=False)
    owner = kiosk.ways.owner(verified.ticket)
    assert owner is not None
    assert owner.number == "1001"
    assert kiosk.ways.owner(badge.ticket) is None
    kiosk.clock.seconds = 3 * 135 + 1
    assert kiosk.ways.owner(verified.ticket) is None
    assert kiosk.records() == []


def test_without_a_face_pin_and_phone_take_one_step_and_a_badge_or_printed_code_takes_the_pin_as_well(make: Make) -> None:
    """By the rules as they come. A step is what a person does and waits for: showing something, or typing what they know."""
    kiosk = make()
    phone, code = (
        kiosk.directory.credentials.new_phone(BOB, parts.START),
        kiosk.directory.credentials.new_static_code(BOB, parts.START),
    )
    steps: dict[str, tuple[int, Callable[[], api.Decision]]] = {
        "number and PIN": (1, lambda: kiosk.ways.pin("1002", OTHER)),
        "phone": (1, lambda: kiosk.ways.code(shown(phone, kiosk.clock.seconds))),
        "badge": (2, lambda: kiosk.ways.badge("badge-bob")),
        "printed code": (2, lambda: kiosk.ways.code(code)),
    }
    for number, (way, (count, begin)) in enumerate(steps.items()):
        kiosk.clock.seconds = 3_600.0 * number
        said = begin()
        if count == 2:
            assert (said.outcome, said.complete_by) == ("identified", ("pin",)), way
            said = kiosk.ways.complete(said.ticket, OTHER)
        assert said.outcome == "punched", way
    assert not kiosk.claimed, "and no face is waited for"


def test_where_the_rules_say_so_a_badge_or_a_printed_code_is_enough(make: Make) -> None:
    kiosk = make(badge_completed_by="nothing", qr_completed_by="nothing")
    code = kiosk.directory.credentials.new_static_code(BOB, parts.START)
    assert kiosk.ways.badge("badge-bob").outcome == "punched"
    kiosk.clock.seconds = 3_600.0
    assert kiosk.ways.code(code).outcome == "punched"


def test_while_somebody_uses_another_way_no_face_is_looked_at(make: Make, opened: journal.Journal) -> None:
    kiosk = make()
    frame = camera.Frame(np.zeros((2, 2, 3), np.uint8), parts.moment(5))
    kiosk.line.suspend(parts.moment(0), timedelta(seconds=10))
    kiosk.line.take(frame)  # the script is empty: a look would be an error
    assert kiosk.board.waiting is Waiting.OTHER_WAY
    with pytest.raises(StopIteration):
        kiosk.line.take(camera.Frame(frame.pixels, parts.moment(11)))
