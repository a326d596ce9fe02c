"""Accounts, passwords, the second factor and sessions, each with a clock that a test moves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pyotp
import pytest

from tests.web_ui.conftest import Time
from web_ui import house, passwords
from web_ui.accounts import FREE_TRIES, FREE_TRIES_OF_NAME, MOST_DELAY_OF_NAME_S, MOST_DELAY_S, AccountRefused, Accounts
from web_ui.errors import StoreError
from web_ui.roles import Role
from web_ui.sessions import IDLE, LONGEST, Sessions
from web_ui.store import Store

GOOD, OTHER = "correct horse battery", "quiet purple lanterns"


def test_a_password_is_kept_as_argon2id_and_never_itself(accounts: Accounts, store: Store, tmp_path: Path) -> None:
    accounts.add("ada", Role.ADMINISTRATOR, GOOD, must_change=False)
    kept = store.rows("SELECT password FROM account")[0]["password"]
    assert kept.startswith("$argon2id$")
    assert passwords.matches(kept, GOOD)
    assert not passwords.matches(kept, GOOD + " ")
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert GOOD.encode() not in files


@pytest.mark.parametrize(
    "weak",
    ["short", "eleven chr.", "aaaaaaaaaaaaaaaa", "password1234", "123456789012", "qwertyuiop12", "adminadmin12",
     "ada-lovelace-1", "abcabcabcabc", "daka打卡kiosk1234", "1q2w3e4r1q2w3e4r", "x" * 129],
)  # fmt: skip
def test_a_password_that_everybody_tries_is_refused_with_the_reason(accounts: Accounts, weak: str) -> None:
    with pytest.raises(AccountRefused) as refused:
        accounts.add("ada-lovelace", Role.OPERATOR, weak, must_change=False)
    assert str(refused.value)
    assert accounts.all() == ()


def test_the_sessions_of_an_account_that_is_removed_end_with_it(accounts: Accounts, store: Store, time: Time) -> None:
    accounts.add("ada", Role.ADMINISTRATOR, GOOD, must_change=False)
    bob = accounts.add("bob", Role.OPERATOR, OTHER, must_change=False)
    sessions = Sessions(store, accounts, time)
    user = sessions.begin(bob, "192.0.2.1", "browser")
    assert sessions.find(user.token) is not None
    accounts.remove(bob)
    assert sessions.find(user.token) is None
    assert store.rows("SELECT * FROM session") == []


@pytest.mark.parametrize(
    "good", [GOOD, "我家門前有一條小河流過去", "🐘" * 3 + "zebra moon cup", "Tr0ub4dor&3-and-more", "a b c d e f g h i"]
)
def test_any_characters_make_a_password_if_there_are_enough_of_them(good: str, accounts: Accounts) -> None:
    accounts.add("ada", Role.ADMINISTRATOR, good, must_change=False)
    account = accounts.by_name("ADA")
    assert account is not None
    assert passwords.matches(account.password, good)


def test_a_new_password_ends_every_session_of_the_old_one(accounts: Accounts, store: Store, time: Time) -> None:
    account = accounts.add("ada", Role.ADMINISTRATOR, GOOD, must_change=False)
    sessions = Sessions(store, accounts, time)
    user = sessions.begin(account, "192.0.2.1", "browser")
    assert sessions.find(user.token) is not None
    time.pass_(1)
    accounts.set_password(account, OTHER)
    assert sessions.find(user.token) is None


def test_a_session_of_an_older_password_does_not_come_back(accounts: Accounts, store: Store, time: Time) -> None:
    account = accounts.add("ada", Role.ADMINISTRATOR, GOOD, must_change=False)
    sessions = Sessions(store, accounts, time)
    user = sessions.begin(account, "", "")
    with store.transaction() as connection:
        connection.execute("UPDATE account SET password_changed_at = '2030-01-01T00:00:00.000000+00:00'")
    assert sessions.find(user.token) is None


def test_a_session_ends_when_nobody_uses_it_and_at_the_latest_after_half_a_day(
    accounts: Accounts, store: Store, time: Time
) -> None:
    account = accounts.add("ada", Role.ADMINISTRATOR, GOOD, must_change=False)
    sessions = Sessions(store, accounts, time)
    idle = sessions.begin(account, "", "")
    time.pass_(IDLE.total_seconds() + 1)
    assert sessions.find(idle.token) is None
    used = sessions.begin(account, "", "")
    for _ in range(int(LONGEST / timedelta(minutes=20))):
        assert sessions.find(used.token) is not None
        time.pass_(20 * 60)
    time.pass_(1)
    assert sessions.find(used.token) is None


def test_only_the_hash_of_a_sessions_token_is_kept(accounts: Accounts, store: Store, time: Time, tmp_path: Path) -> None:
    account = accounts.add("ada", Role.ADMINISTRATOR, GOOD, must_change=False)
    token = Sessions(store, accounts, time).begin(account, "", "").token
    assert len(token) >= 43
    assert token.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_wrong_passwords_wait_longer_each_time_but_never_for_ever(accounts: Accounts, time: Time) -> None:
    waits = []
    for _ in range(30):
        accounts.failed("account:ada@192.0.2.1")
        waits.append(accounts.wait_s("account:ada@192.0.2.1"))
        time.pass_(waits[-1])
        assert accounts.wait_s("account:ada@192.0.2.1") == 0
    assert waits[:FREE_TRIES] == [0.0] * FREE_TRIES
    assert waits == sorted(waits)
    assert waits[-1] == MOST_DELAY_S
    assert sum(waits) / 30 > 60, "thirty tries take half an hour at least"


def test_wrong_passwords_from_elsewhere_do_not_keep_a_colleague_out(accounts: Accounts) -> None:
    for _ in range(50):
        accounts.failed("account:ada@192.0.2.66", "address:192.0.2.66")
    assert accounts.wait_s("account:ada@192.0.2.66", "address:192.0.2.66") > 60
    assert accounts.wait_s("account:bob@192.0.2.66", "address:192.0.2.66") > 60, "nor does another name help the guesser"
    assert accounts.wait_s("account:ada@192.0.2.1", "address:192.0.2.1") == 0


def test_delays_survive_a_restart(accounts: Accounts, tmp_path: Path, time: Time) -> None:
    for _ in range(10):
        accounts.failed("account:ada@192.0.2.1")
    again = Store(tmp_path / "web.db")
    assert Accounts(again, time).wait_s("account:ada@192.0.2.1") > 10
    again.close()


def test_a_code_of_the_second_factor_serves_once_and_an_old_one_never(accounts: Accounts, time: Time) -> None:
    account, secret = accounts.add("ada", Role.ADMINISTRATOR, GOOD, must_change=False), pyotp.random_base32()
    accounts.set_totp(account, secret)

    def tries(code: str) -> bool:
        found = accounts.by_name("ada")
        assert found is not None
        return accounts.second_factor_fits(found, code)

    now = pyotp.TOTP(secret).at(time.at)
    assert not tries("000000" if now != "000000" else "000001")
    assert tries(now)
    assert not tries(now)
    time.pass_(30)
    assert tries(pyotp.TOTP(secret).at(time.at))
    assert not tries(now)
    time.pass_(90)
    assert not tries(pyotp.TOTP(secret).at(time.at - timedelta(seconds=60)))
    assert tries(pyotp.TOTP(secret).at(time.at - timedelta(seconds=30)))


def test_the_last_administrator_can_neither_be_removed_nor_made_less(accounts: Accounts) -> None:
    ada = accounts.add("ada", Role.ADMINISTRATOR, GOOD, must_change=False)
    with pytest.raises(AccountRefused, match="only administrator"):
        accounts.remove(ada)
    with pytest.raises(AccountRefused, match="only administrator"):
        accounts.set_role(ada, Role.AUDITOR)
    accounts.add("bob", Role.ADMINISTRATOR, OTHER, must_change=False)
    accounts.set_role(ada, Role.AUDITOR)
    accounts.remove(ada)
    assert [one.name for one in accounts.all()] == ["bob"]


@pytest.mark.parametrize("name", ["", "a", "Ada", "ada lovelace", "ada@x", "ß", "-ada", "a" * 33, "ada\n"])
def test_a_user_name_is_plain(accounts: Accounts, name: str) -> None:
    with pytest.raises(AccountRefused):
        accounts.add(name, Role.AUDITOR, GOOD, must_change=False)


def test_a_role_that_does_not_exist_cannot_be_stored(accounts: Accounts, store: Store) -> None:
    accounts.add("ada", Role.ADMINISTRATOR, GOOD, must_change=False)

    def promote() -> None:
        with store.transaction() as connection:
            connection.execute("UPDATE account SET role = 'root'")

    with pytest.raises(StoreError, match="CHECK"):
        promote()


def test_what_failed_half_way_leaves_nothing(store: Store) -> None:
    def half() -> None:
        with store.transaction() as connection:
            connection.execute("INSERT INTO failure VALUES ('half', 1, '')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert store.rows("SELECT * FROM failure") == []


def test_some_typing_errors_of_colleagues_behind_one_address_keep_nobody_waiting(accounts: Accounts) -> None:
    for name in ("ada", "bob", "eve"):
        for _ in range(FREE_TRIES):
            accounts.failed(f"account:{name}@192.0.2.1", "address:192.0.2.1")
    assert accounts.wait_s("account:zoe@192.0.2.1", "address:192.0.2.1") == 0


def test_what_two_pages_do_at_once_is_on_record_once_each(store: Store) -> None:
    told: list[str] = []

    class SlowKiosk:
        def audit(self, action: str, *_: str) -> None:
            sleep(0.05)
            told.append(action)

    slow: Any = SlowKiosk()
    auditor = house.Auditor(slow, store)
    with ThreadPoolExecutor(4) as pages:
        list(pages.map(lambda number: auditor.record(f"did_{number}", "web:ada"), range(4)))
    assert sorted(told) == ["did_0", "did_1", "did_2", "did_3"]


def test_a_page_that_renews_itself_on_an_empty_desk_keeps_no_session_open(accounts: Accounts, store: Store, time: Time) -> None:
    sessions = Sessions(store, accounts, time)
    token = sessions.begin(accounts.add("ada", Role.ADMINISTRATOR, GOOD, must_change=False), "10.0.0.7", "Firefox").token
    for _ in range(29):
        time.pass_(60)
        assert sessions.find(token, in_use=False) is not None
    time.pass_(120)
    assert sessions.find(token, in_use=False) is None


def guess(accounts: Accounts, name: str, address: str) -> float:
    """One wrong password; how long it would have had to wait, seconds."""
    sources = accounts.sources(name, address)
    if (wait_s := accounts.wait_s(*sources)) == 0:
        accounts.failed(*sources)
    return wait_s


def test_a_new_address_for_each_try_does_not_start_the_delays_afresh(accounts: Accounts, store: Store, time: Time) -> None:
    account = accounts.add("ada", Role.ADMINISTRATOR, GOOD, must_change=False)
    Sessions(store, accounts, time).begin(account, "::ffff:192.0.2.1", "")
    assert guess(accounts, "ada", "192.0.2.1") == 0
    of_one_network = [guess(accounts, "bob", f"2001:db8::{number:x}") for number in range(100)]
    assert of_one_network.count(0) == FREE_TRIES + 1
    wherever = [guess(accounts, "ada", f"198.51.100.{number}") for number in range(100)]
    assert wherever.count(0) == FREE_TRIES_OF_NAME + 1
    assert guess(accounts, "ada", "192.0.2.1") == 0, "from where she has signed in of late she is not locked out"
    time.pass_(MOST_DELAY_OF_NAME_S)
    assert guess(accounts, "ada", "203.0.113.1") == 0, "nor anywhere else for longer than half a minute"


def test_a_thousand_wrong_passwords_are_a_record_a_minute(store: Store) -> None:
    told: list[tuple[str, ...]] = []

    class Kiosk:
        def audit(self, *record: str) -> None:
            told.append(record)

    now_s = [0.0]
    listening: Any = Kiosk()
    auditor = house.Auditor(listening, store, lambda: now_s[0])
    for _ in range(1_000):
        auditor.record_often("sign_in_failed", "web:ada")
        now_s[0] += 0.25
    now_s[0] += 60
    auditor.count_up()
    assert len(told) < 20
    assert sum(int(after[1:] or 1) for *_, after in told) == 1_000
    assert told[0] == ("sign_in_failed", "web:ada", "", "")
