"""PINs, badges and phones: kept so that the file tells nothing, and guarded so that nobody is locked out for ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import argon2
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import api
from device.people import CodeRefused, Credentials, Directory, Person, PinRefused, Verdict, credentials
from device.templates import TemplateError
from tests.device import parts

KEY = bytes(range(32))
PIN, OTHER = "482913", "730518"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    """Ada has number 1001 and a PIN of her own; Bob (1002) has neither PIN nor code."""
    found = Directory(tmp_path / "people.db", KEY)
    for person, number in ((parts.ADA, "1001"), (parts.BOB, "1002")):
        found.add(Person(person, number, f"Name {number}", "en"), parts.START)
    found.credentials.set_pin(parts.ADA, "1001", PIN, parts.START, must_change=False)
    yield found
    found.close()


@pytest.fixture
def kept(directory: Directory) -> Credentials:
    return directory.credentials


def everything(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))


REAL, REAL_DUMMY = credentials.HASHER, credentials.DUMMY  # as imported, before the tests make them cheap


def wrong(kept: Credentials, times: int, seconds: float = 0.0, number: str = "1001") -> None:
    """So many wrong PINs, each as soon as it counts."""
    at = seconds
    for done in range(times):
        at += credentials.wait_after(done)
        assert kept.check_pin(number, "999998", parts.moment(at)).verdict is Verdict.WRONG


def test_the_right_pin_names_the_person(kept: Credentials) -> None:
    assert kept.check_pin("1001", PIN, parts.moment()) == credentials.Checked(Verdict.RIGHT, parts.ADA)


def test_a_wrong_pin_an_unknown_number_and_a_person_without_a_pin_get_the_same_answer(kept: Credentials) -> None:
    answers = {kept.check_pin(number, pin, parts.moment()) for number, pin in (("1001", OTHER), ("9", PIN), ("1002", PIN))}
    assert answers == {credentials.Checked(Verdict.WRONG)}


def test_the_pin_of_one_is_not_the_pin_of_another(directory: Directory) -> None:
    kept = directory.credentials
    kept.set_pin(parts.BOB, "1002", OTHER, parts.START, must_change=False)
    assert kept.check_pin("1002", PIN, parts.moment()).verdict is Verdict.WRONG
    assert kept.check_pin("1002", OTHER, parts.moment()).person == parts.BOB


def test_an_assigned_pin_must_be_changed_at_first_use_and_the_person_changes_it(kept: Credentials) -> None:
    kept.set_pin(parts.ADA, "1001", PIN, parts.START, must_change=True)
    assert kept.check_pin("1001", PIN, parts.moment()).verdict is Verdict.MUST_CHANGE
    assert kept.change_pin("1001", OTHER, "918273", parts.moment()).verdict is Verdict.WRONG
    assert kept.change_pin("1001", PIN, OTHER, parts.moment()).verdict is Verdict.RIGHT
    assert kept.check_pin("1001", PIN, parts.moment()).verdict is Verdict.WRONG
    assert kept.check_pin("1001", OTHER, parts.moment()).verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    "pin", ["", "12345", "1234567890123", "48291a", "４８２９１３", "111111", "123456", "987654", "890123", "001001"]
)
def test_a_pin_that_anybody_would_try_first_is_refused(kept: Credentials, pin: str) -> None:
    with pytest.raises(PinRefused) as refused:
        kept.set_pin(parts.ADA, "1001", pin, parts.START, must_change=False)
    assert not pin or pin not in str(refused.value)
    assert kept.check_pin("1001", PIN, parts.moment()).verdict is Verdict.RIGHT


def test_the_old_pin_again_is_no_change(kept: Credentials) -> None:
    with pytest.raises(PinRefused, match="differ"):
        kept.change_pin("1001", PIN, PIN, parts.moment())


def test_wrong_pins_make_the_next_one_wait_and_the_right_one_too(kept: Credentials) -> None:
    wrong(kept, credentials.FREE_TRIES)
    told = kept.check_pin("1001", PIN, parts.moment(1))
    assert told.verdict is Verdict.WAIT
    assert told.wait_s == pytest.approx(4.0)
    assert kept.check_pin("1001", PIN, parts.moment(5)).verdict is Verdict.RIGHT
    assert kept.check_pin("1001", OTHER, parts.moment(5)).verdict is Verdict.WRONG, "the right one ends the waiting"


def test_the_waiting_survives_a_restart_of_the_daemon(directory: Directory, tmp_path: Path) -> None:
    wrong(directory.credentials, credentials.FREE_TRIES + 2)
    directory.close()
    again = Directory(tmp_path / "people.db", KEY)
    assert again.credentials.check_pin("1001", PIN, parts.moment(20)).verdict is Verdict.WAIT
    again.close()


def test_a_restart_of_the_machine_with_any_wall_clock_shortens_nothing_and_adds_no_more_than_the_longest_wait(
    kept: Credentials,
) -> None:
    wrong(kept, credentials.FREE_TRIES + 1)
    for step_s in (-(10**8), 10**8):
        later = parts.moment(3, wall_step_s=step_s, boot_id=parts.OTHER_BOOT_ID)
        told = kept.check_pin("1001", PIN, later)
        assert (told.verdict, told.wait_s) == (Verdict.WAIT, 10.0)
    after = parts.moment(13, wall_step_s=-(10**8), boot_id=parts.OTHER_BOOT_ID)
    assert kept.check_pin("1001", PIN, after).verdict is Verdict.RIGHT


def test_nobody_can_lock_a_colleague_out_for_ever(kept: Credentials) -> None:
    """Whatever was tried before, the right PIN counts after two minutes, and at once when its owner came in another way."""
    wrong(kept, 12)
    kept.forgive("1001")
    assert kept.check_pin("1001", PIN, parts.moment(10**4)).verdict is Verdict.RIGHT
    wrong(kept, 12, seconds=2 * 10**4)
    assert credentials.wait_after(10**6) == credentials.LONGEST_WAIT_S <= 120
    assert kept.check_pin("1001", PIN, parts.moment(3 * 10**4)).verdict is Verdict.RIGHT


def test_waiting_for_one_number_holds_nobody_else_up(kept: Credentials) -> None:
    kept.set_pin(parts.BOB, "1002", OTHER, parts.START, must_change=False)
    wrong(kept, credentials.FREE_TRIES)
    assert kept.check_pin("1002", OTHER, parts.moment(1)).verdict is Verdict.RIGHT


def test_pulling_the_plug_during_a_try_gives_no_free_one(kept: Credentials, monkeypatch: pytest.MonkeyPatch) -> None:
    def plug(pin_hash: str, pin: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(credentials, "_verify", plug)
    for _ in range(credentials.FREE_TRIES):
        with pytest.raises(KeyboardInterrupt):
            kept.check_pin("1001", OTHER, parts.moment())
    assert kept.check_pin("1001", PIN, parts.moment(1)).verdict is Verdict.WAIT


def test_numbers_that_nobody_has_fill_no_disk(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "MOST_SUBJECTS", 3)
    monkeypatch.setattr(credentials, "_verify", lambda pin_hash, pin: False)
    for number in range(10):
        directory.credentials.check_pin(f"x{number}", PIN, parts.moment(number))
    with directory.database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM attempt").fetchone() == (3,)


def nonsense(kept: Credentials, seconds: float, every_s: float, start_s: float = 0.0) -> float:
    """Somebody types whatever numbers with one PIN; the share of their tries that had to wait."""
    tries = int(seconds / every_s)
    answers = [kept.check_pin(f"x{number}", OTHER, parts.moment(start_s + every_s * number)).verdict for number in range(tries)]
    return answers.count(Verdict.WAIT) / tries


def test_one_plain_pin_tried_on_everybody_gets_slow_and_the_right_ones_wait_seconds_at_most(kept: Credentials) -> None:
    assert nonsense(kept, 30, 1.0) == 0
    assert nonsense(kept, 120, 1.0, start_s=30) > 0.5
    told = kept.check_pin("1001", PIN, parts.moment(150))
    assert (told.verdict, 0 < told.wait_s <= credentials.WAIT_AT_KIOSK_S <= 3) == (Verdict.WAIT, True)
    assert kept.check_pin("1001", PIN, parts.moment(153)).verdict is Verdict.RIGHT


def test_minutes_after_the_nonsense_has_ended_nobody_waits_any_more(kept: Credentials) -> None:
    nonsense(kept, 120, 1.0)
    ends = 120 + credentials.FORGIVEN_EVERY_S * (credentials.MOST_AT_KIOSK - credentials.FREE_AT_KIOSK + 1)
    assert ends <= 120 + 240
    for number in range(20):  # one after the other, with no second between them
        assert kept.check_pin("1001", PIN, parts.moment(ends + 0.1 * number)).verdict is Verdict.RIGHT


def test_the_mistakes_of_a_busy_site_never_add_up_to_a_brake(kept: Credentials) -> None:
    """Every half minute somebody mistypes, and nobody is ever quiet for ten minutes."""
    assert nonsense(kept, 3_600, 30.0) == 0
    assert kept.check_pin("1001", PIN, parts.moment(3_600)).verdict is Verdict.RIGHT


def test_a_pin_that_is_taken_away_while_its_owner_changes_it_is_a_plain_no(
    kept: Credentials, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = kept.check_pin

    def meanwhile(*given: Any) -> credentials.Checked:
        found = checked(*given)
        kept.remove_pin(parts.ADA)
        return found

    monkeypatch.setattr(kept, "check_pin", meanwhile)
    assert kept.change_pin("1001", PIN, OTHER, parts.moment()).verdict is Verdict.WRONG
    assert checked("1001", OTHER, parts.moment(1)).verdict is Verdict.WRONG


def test_right_pins_never_make_the_kiosk_slow(kept: Credentials) -> None:
    for number in range(3 * credentials.FREE_AT_KIOSK):
        assert kept.check_pin("1001", PIN, parts.moment(number)).verdict is Verdict.RIGHT


def test_the_real_hash_costs_what_the_decision_says() -> None:
    found = argon2.extract_parameters(REAL.hash(PIN))
    assert (found.type, found.memory_cost, found.time_cost) == (argon2.Type.ID, 32 * 1024, 3)
    assert argon2.extract_parameters(REAL_DUMMY) == found, "a number that nobody has costs the same work"
    assert REAL.verify(REAL.hash(PIN), PIN)


@given(failures=st.integers(0, 10**9))
def test_every_wait_is_bounded_and_never_shorter_than_the_one_before(failures: int) -> None:
    assert 0 <= credentials.wait_after(failures) <= credentials.wait_after(failures + 1) <= credentials.LONGEST_WAIT_S


def test_the_file_holds_neither_pin_nor_hash_nor_badge_nor_code(directory: Directory, tmp_path: Path) -> None:
    kept = directory.credentials
    kept.add_code(parts.ADA, "badge", "0004512345", parts.START)
    text = kept.new_static_code(parts.ADA, parts.START)
    phone = kept.new_phone(parts.ADA, parts.START)
    kept.check_pin("77777", "555556", parts.moment())
    for secret in (PIN, "argon2", "0004512345", text, text.removeprefix("DAKA3:"), phone.secret, "77777"):
        assert secret.encode() not in everything(tmp_path), secret
    assert phone.phone.encode() in everything(tmp_path), "the search itself must be able to find"


def test_a_pin_under_another_device_key_does_not_open(directory: Directory, tmp_path: Path) -> None:
    directory.close()
    other = Directory(tmp_path / "people.db", bytes(32))
    with pytest.raises(TemplateError, match="set a new one"):
        other.credentials.check_pin("1001", PIN, parts.moment())
    other.close()


def test_a_badge_belongs_to_one_person(kept: Credentials) -> None:
    kept.add_code(parts.ADA, "badge", "0004512345", parts.START)
    kept.add_code(parts.ADA, "badge", "0004512345", parts.START)
    with pytest.raises(CodeRefused, match="somebody else"):
        kept.add_code(parts.BOB, "badge", "0004512345", parts.START)
    assert kept.whose("badge", "0004512345") == parts.ADA
    assert kept.whose("qr", "0004512345") == ""
    assert kept.remove_codes(parts.ADA, "badge") == 1
    assert kept.whose("badge", "0004512345") == ""


@pytest.mark.parametrize("text", ["", "abc", "x" * 257, "a\nbcd", "tab\tbed", "DAKA1:AAAA", "DAKA2:phone:1"])
def test_what_is_no_badge_cannot_be_given_as_one(kept: Credentials, text: str) -> None:
    with pytest.raises(CodeRefused):
        kept.add_code(parts.ADA, "badge", text, parts.START)


def shown(phone: credentials.Phone, seconds: float) -> str:
    """What the phone shows at that time."""
    return credentials.phone_text(phone.phone, credentials.rotating(phone.secret).at(parts.moment(seconds).at))


def test_a_phones_code_counts_once_and_only_in_its_time(kept: Credentials) -> None:
    phone = kept.new_phone(parts.ADA, parts.START)
    code = shown(phone, 0)
    assert kept.check_phone(code, parts.moment(20)) == credentials.Checked(Verdict.RIGHT, parts.ADA)
    assert kept.check_phone(code, parts.moment(21)).verdict is Verdict.WRONG, "a photograph of it comes too late"
    assert kept.check_phone(shown(phone, 60), parts.moment(40)).verdict is Verdict.RIGHT, "a phone may be a little early"
    assert kept.check_phone(shown(phone, 300), parts.moment(500)).verdict is Verdict.WRONG


def test_a_new_phone_ends_the_old_one(kept: Credentials) -> None:
    old, new = kept.new_phone(parts.ADA, parts.START), kept.new_phone(parts.ADA, parts.START)
    assert kept.check_phone(shown(old, 0), parts.moment()).verdict is Verdict.WRONG
    assert kept.check_phone(shown(new, 0), parts.moment()).verdict is Verdict.RIGHT


def test_guessing_a_phones_code_waits_like_guessing_a_pin(kept: Credentials) -> None:
    phone = kept.new_phone(parts.ADA, parts.START)
    for guess in range(credentials.FREE_TRIES):
        assert kept.check_phone(f"DAKA2:{phone.phone}:{guess:08}", parts.moment()).verdict is Verdict.WRONG
    assert kept.check_phone(shown(phone, 0), parts.moment(1)).verdict is Verdict.WAIT


@given(text=st.text(max_size=80))
def test_no_text_at_all_is_a_phones_code(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    directory = Directory(tmp_path_factory.mktemp("kiosk") / "people.db", KEY)
    assert directory.credentials.check_phone("DAKA2:" + text, parts.moment()).verdict is Verdict.WRONG
    directory.close()


@pytest.mark.parametrize(
    "pin_hash",
    [
        "",
        "secret",
        "$argon2i$v=19$m=32768,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=4194304,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=32768,t=900,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
)
def test_a_hash_that_is_none_or_that_would_stall_the_kiosk_is_refused(pin_hash: str) -> None:
    with pytest.raises(PinRefused):
        credentials.check_hash(pin_hash)
    credentials.check_hash(credentials.HASHER.hash(PIN))


def test_a_pins_hash_is_waited_for_longer_than_a_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    waits: dict[str, float] = {}

    def request(_: httpx.Client, method: str, path: str, *, timeout: float, **rest: object) -> httpx.Response:
        waits[path] = timeout
        raise httpx.ReadTimeout(f"{method}, and nobody answers: {rest}")

    monkeypatch.setattr(httpx.Client, "request", request)
    with api.PeopleClient(tmp_path / "kiosk.sock") as kiosk:
        for ask in (
            lambda: kiosk.add_badge("1", "0004512345", "office"),
            lambda: kiosk.set_pin("1", "", "office"),
            lambda: kiosk.change_pin("1", "73910264", "20461937"),
            lambda: kiosk.pin("1", "20461937"),
        ):
            with pytest.raises(api.KioskAway):
                ask()
    row = waits.pop("/v1/badge")
    assert waits.keys() == {"/v1/pin", "/v1/ways/pin-change", "/v1/ways/pin"}
    assert all(wait >= 3 * row for wait in waits.values())
