"""A code on the kiosk's screen proves that somebody stands there, serves once, and cannot be guessed by trying."""

from __future__ import annotations

from dataclasses import dataclass

from device import messages
from device.webcodes import DIGITS, FIRST, GOOD_FOR_S, JOIN, MOST_DELAY_S, MOST_TRIES, RECOVERY, WebCodes
from tests.device import parts


@dataclass
class Time:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def screen(wants_first: bool = True) -> tuple[WebCodes, Time]:
    time = Time()
    codes = WebCodes(time)
    codes.announce(("https://kiosk:8443",), "AA:BB", wants_first=wants_first)
    return codes, time


def wrong(right: str) -> str:
    return f"{(int(right) + 1) % 10**DIGITS:0{DIGITS}}"


def test_the_first_administrators_code_is_shown_with_where_to_type_it_and_what_to_compare() -> None:
    notice = screen()[0].notice()
    assert len(notice.code) == DIGITS
    assert notice.code.isdigit()
    assert (notice.purpose, notice.addresses, notice.fingerprint) == (FIRST, ("https://kiosk:8443",), "AA:BB")


def test_a_kiosk_that_has_an_administrator_shows_no_code() -> None:
    codes, _ = screen(wants_first=False)
    assert codes.notice().code == ""
    assert not codes.check(FIRST, "", "").right


def test_a_code_serves_once() -> None:
    codes, _ = screen()
    shown = codes.notice().code
    assert codes.check(FIRST, "", shown).right
    assert codes.notice().code == ""
    assert not codes.check(FIRST, "", shown).right


def test_a_code_for_the_console_is_on_no_screen() -> None:
    """Whoever stands in the hall reads the screen; only root reads the console."""
    codes, _ = screen(wants_first=False)
    codes.ask_recovery("ada", console=True)
    assert (codes.notice().code, codes.notice().purpose, codes.notice().account) == ("", "", "")
    shown = codes.notice(console=True)
    assert (len(shown.code), shown.account) == (DIGITS, "ada")
    codes.ask_recovery("ada")
    assert codes.notice().code not in ("", shown.code), "one that was for the console never comes onto the screen"
    assert codes.notice(console=True) == codes.notice()
    assert codes.check(RECOVERY, "ada", codes.notice().code).right


def test_a_code_of_another_purpose_or_account_opens_nothing() -> None:
    codes, time = screen(wants_first=False)
    codes.ask_recovery("ada")
    shown = codes.notice().code
    for purpose, account in ((FIRST, ""), (RECOVERY, "bob"), (RECOVERY, "")):
        assert not codes.check(purpose, account, shown).right
        time.seconds += MOST_DELAY_S
    assert codes.check(RECOVERY, "ada", shown).right


def invited(host: str, seed: int, token: str = "t" * 32) -> messages.Invitation:
    root = messages.public_key_text(parts.signing_key(seed))
    return messages.Invitation(f"https://{host}:8443/join", root, "0" * 64, token, "")


def test_a_code_for_joining_counts_for_the_invitation_that_the_screen_names_and_for_no_other() -> None:
    codes, time = screen(wants_first=False)
    ours, theirs = invited("mqtt.ours.example", 1), invited("mqtt.evil.example", 2)
    codes.ask_joining(ours)
    notice = codes.notice()
    assert (notice.purpose, notice.account, notice.host) == (JOIN, "", "mqtt.ours.example")
    assert ours.root.removeprefix("ed25519:").startswith(notice.root_begins.replace(" ", ""))
    assert len(notice.root_begins) == 14
    for other in (theirs, invited("mqtt.ours.example", 2), invited("mqtt.ours.example", 1, "u" * 32)):
        assert not codes.check(JOIN, other.digest, notice.code).right
        time.seconds += MOST_DELAY_S
    codes.ask_joining(ours)
    assert codes.notice() == notice, "asked for again it stays"
    codes.ask_joining(theirs)
    assert (codes.notice().host, codes.notice().code == notice.code) == ("mqtt.evil.example", False)
    codes.ask_joining(ours)
    assert codes.check(JOIN, ours.digest, codes.notice().code).right


def test_wrong_codes_wait_longer_each_time_but_never_for_ever() -> None:
    codes, time = screen()
    first, waits = codes.notice().code, []
    for _ in range(9):
        waits.append(codes.check(FIRST, "", wrong(codes.notice().code)).wait_s)
        time.seconds += waits[-1]
    assert waits == sorted(waits)
    assert waits[0] < waits[-1] == MOST_DELAY_S
    assert codes.notice().code == first, "nobody throws away what somebody else is typing"
    assert codes.check(FIRST, "", codes.notice().code).right


def test_the_right_code_is_not_even_looked_at_while_one_has_to_wait() -> None:
    codes, time = screen()
    shown = codes.notice().code
    wait_s = codes.check(FIRST, "", wrong(shown)).wait_s
    time.seconds += wait_s / 2
    early = codes.check(FIRST, "", shown)
    assert (early.right, early.looked_at) == (False, False), "so that nobody is told that it was wrong"
    time.seconds += wait_s / 2
    assert codes.check(FIRST, "", shown).right


def test_a_code_ends_after_ten_minutes() -> None:
    codes, time = screen(wants_first=False)
    codes.ask_recovery("ada")
    shown = codes.notice().code
    time.seconds += GOOD_FOR_S
    assert codes.notice().code == ""
    assert not codes.check(RECOVERY, "ada", shown).right


def test_an_administrator_who_came_to_be_takes_the_code_off_the_screen() -> None:
    codes, _ = screen()
    codes.announce((), "AA:BB", wants_first=False)
    assert codes.notice().code == ""


def test_whoever_types_wrong_codes_all_night_only_waits() -> None:
    codes, time = screen()
    for _ in range(1_200):
        assert codes.check(FIRST, "", wrong(codes.notice().code)).wait_s <= MOST_DELAY_S
        time.seconds += MOST_DELAY_S
    assert codes.check(FIRST, "", codes.notice().code).right


def test_wrong_codes_from_elsewhere_do_not_keep_the_right_one_out() -> None:
    codes, time = screen()
    for _ in range(100):
        codes.check(FIRST, "", wrong(codes.notice().code), "192.0.2.66")
        time.seconds += 1
    assert not codes.check(FIRST, "", codes.notice().code, "192.0.2.66").right, "it waits itself"
    assert codes.check(FIRST, "", codes.notice().code, "192.0.2.1").right


def test_a_thousand_wrong_tries_by_whomever_make_a_new_code() -> None:
    codes, _ = screen()
    first = codes.notice().code
    for number in range(MOST_TRIES):
        assert codes.notice().code == first
        codes.check(FIRST, "", wrong(first), f"2001:db8:0:{number:x}::/64")
    assert codes.notice().code != first


def test_whoever_asks_for_a_new_password_does_not_take_a_code_for_joining_off_the_screen() -> None:
    codes, _ = screen(wants_first=False)
    codes.ask_joining(invited("mqtt.ours.example", 1))
    before = codes.notice()
    codes.ask_recovery("ada")
    assert codes.notice() == before
