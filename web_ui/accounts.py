"""Accounts of the web UI: who may use it, their password, their second factor. The last administrator cannot be lost."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from flask_babel import lazy_gettext as _

from device import https
from web_ui import passwords
from web_ui.errors import WebError
from web_ui.roles import Role
from web_ui.store import Store, now, written

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
FREE_TRIES = 3  # for one name at one address
FREE_TRIES_OF_ADDRESS = 30  # a whole office may share an address
FREE_TRIES_OF_NAME = 20  # wherever from, except from where that account has signed in of late
FIRST_DELAY_S, MOST_DELAY_S, MOST_DELAY_OF_NAME_S = 2.0, 900.0, 30.0
BRAKES = {"address": (FREE_TRIES_OF_ADDRESS, MOST_DELAY_S), "name": (FREE_TRIES_OF_NAME, MOST_DELAY_OF_NAME_S)}
KNOWN_FOR = timedelta(days=90)
CALM = timedelta(hours=24)  # after this long without a wrong password the delay starts small again
TOTP_STEP_S = 30


class AccountRefused(WebError):
    """Nothing was changed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in."""

    id: int
    name: str
    role: Role
    password: str
    password_changed_at: str
    must_change: bool
    totp: str
    totp_last: int
    language: str
    theme: str
    created_at: str
    last_login_at: str


class Accounts:
    """The accounts in web.db; `clock` gives aware UTC times."""

    def __init__(self, store: Store, clock: Callable[[], datetime] = now) -> None:
        self._store, self._clock = store, clock

    def all(self) -> tuple[Account, ...]:
        """Everybody, by name."""
        return tuple(_account(row) for row in self._store.rows("SELECT * FROM account ORDER BY name"))

    def by_id(self, number: int) -> Account | None:
        """That account, or None."""
        row = self._store.row("SELECT * FROM account WHERE id = ?", number)
        return _account(row) if row else None

    def by_name(self, name: str) -> Account | None:
        """That account, or None; case does not matter."""
        row = self._store.row("SELECT * FROM account WHERE name = ?", name.strip())
        return _account(row) if row else None

    def wants_first(self) -> bool:
        """Whether there is no administrator yet."""
        return self._store.row("SELECT 1 FROM account WHERE role = 'administrator'") is None

    def add(self, name: str, role: Role, password: str, *, must_change: bool) -> Account:
        """A new account; AccountRefused for a name that is taken or no name, and for a password that is too easy."""
        if not NAME.fullmatch(name):
            raise AccountRefused(str(_("A user name has 2 to 32 of a-z, 0-9, dot, underscore and hyphen.")))
        if self.by_name(name):
            raise AccountRefused(str(_("There is a user %(name)s already.", name=name)))
        _check(password, name)
        at = written(self._clock())
        row = (name, role, passwords.hashed(password), at, int(must_change), at)
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO account (name, role, password, password_changed_at, must_change, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )
        found = self.by_name(name)
        assert found is not None
        return found

    def set_password(self, account: Account, password: str, *, must_change: bool = False) -> None:
        """A new password; every session of the old one ends."""
        _check(password, account.name)
        if passwords.matches(account.password, password):
            raise AccountRefused(str(_("The new password is the old one; choose another.")))
        row = (passwords.hashed(password), written(self._clock()), int(must_change), account.id)
        with self._store.transaction() as connection:
            connection.execute("UPDATE account SET password = ?, password_changed_at = ?, must_change = ? WHERE id = ?", row)
            connection.execute("DELETE FROM session WHERE account = ?", (account.id,))

    def set_role(self, account: Account, role: Role) -> None:
        """Another role; the sessions end, so that the new one holds at once."""
        if account.role is Role.ADMINISTRATOR and role is not Role.ADMINISTRATOR:
            self._keep_one_administrator(account)
        with self._store.transaction() as connection:
            connection.execute("UPDATE account SET role = ? WHERE id = ?", (role, account.id))
            connection.execute("DELETE FROM session WHERE account = ?", (account.id,))

    def remove(self, account: Account) -> None:
        """The account and its sessions are gone."""
        if account.role is Role.ADMINISTRATOR:
            self._keep_one_administrator(account)
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM account WHERE id = ?", (account.id,))

    def _keep_one_administrator(self, but: Account) -> None:
        if not self._store.rows("SELECT 1 FROM account WHERE role = 'administrator' AND id <> ?", but.id):
            raise AccountRefused(str(_("This is the only administrator; make another one first.")))

    def set_totp(self, account: Account, secret: str) -> None:
        """The second factor; "" takes it away."""
        with self._store.transaction() as connection:
            connection.execute("UPDATE account SET totp = ?, totp_last = 0 WHERE id = ?", (secret, account.id))

    def set_taste(self, account: Account, language: str, theme: str) -> None:
        """Language and light or dark."""
        with self._store.transaction() as connection:
            connection.execute("UPDATE account SET language = ?, theme = ? WHERE id = ?", (language, theme, account.id))

    def second_factor_fits(self, account: Account, code: str) -> bool:
        """Whether this is the code of now or of the step before; each code serves once."""
        step = int(self._clock().timestamp()) // TOTP_STEP_S
        totp = pyotp.TOTP(account.totp)
        fits = [at for at in (step, step - 1) if at > account.totp_last and secrets.compare_digest(totp.at(at * TOTP_STEP_S), code)]
        if not fits:
            return False
        with self._store.transaction() as connection:
            changed = connection.execute(
                "UPDATE account SET totp_last = ? WHERE id = ? AND totp_last < ?", (fits[0], account.id, fits[0])
            )
            return changed.rowcount == 1

    def signed_in(self, account: Account, address: str) -> None:
        """Remember when and where from."""
        at, old = written(self._clock()), written(self._clock() - KNOWN_FOR)
        with self._store.transaction() as connection:
            connection.execute("UPDATE account SET last_login_at = ? WHERE id = ?", (at, account.id))
            connection.execute("DELETE FROM known WHERE at < ?", (old,))
            connection.execute("INSERT OR REPLACE INTO known VALUES (?, ?, ?)", (account.id, https.source(address), at))

    def sources(self, name: str, address: str | None, secret: str = "") -> tuple[str, ...]:
        """What wrong passwords (or another `secret`) are counted by: the name at this source, the source, the name wherever from.

        The last is left out where that account has signed in of late, so that nobody can lock a colleague out.
        """
        who, said = https.source(address), name.strip().casefold()[:64]
        here = (f"account:{secret}{said}@{who}", f"address:{who}")
        query = "SELECT 1 FROM known JOIN account ON account.id = known.account WHERE name = ? AND source = ? AND at >= ?"
        known = self._store.row(query, said, who, written(self._clock() - KNOWN_FOR))
        return here if known else (*here, f"name:{secret}{said}")

    def wait_s(self, *sources: str) -> float:
        """How long the next try has to wait, seconds; never longer than a quarter of an hour."""
        marks = ", ".join("?" * len(sources))
        rows = self._store.rows(f"SELECT source, count, last_at FROM failure WHERE source IN ({marks})", *sources)
        return max((self._left_s(row["source"], row["count"], row["last_at"]) for row in rows), default=0.0)

    def _left_s(self, source: str, count: int, last_at: str) -> float:
        free, most_s = BRAKES.get(source.partition(":")[0], (FREE_TRIES, MOST_DELAY_S))
        beyond = count - free
        passed = self._clock() - datetime.fromisoformat(last_at)
        if beyond <= 0 or passed > CALM or passed < timedelta(0):
            return 0.0
        delay_s = min(FIRST_DELAY_S * 2.0 ** min(beyond - 1, 20), most_s)
        return max(0.0, delay_s - passed.total_seconds())

    def failed(self, *sources: str) -> None:
        """A wrong password or code; what comes next waits longer."""
        at, old = written(self._clock()), written(self._clock() - CALM)
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM failure WHERE last_at < ?", (old,))
            for source in sources:
                connection.execute(
                    "INSERT INTO failure VALUES (?, 1, ?) "
                    "ON CONFLICT (source) DO UPDATE SET count = count + 1, last_at = excluded.last_at",
                    (source, at),
                )

    def forgiven(self, *sources: str) -> None:
        """It was them after all."""
        with self._store.transaction() as connection:
            connection.executemany("DELETE FROM failure WHERE source = ?", [(source,) for source in sources])


def _check(password: str, name: str) -> None:
    if reason := passwords.shortcoming(password, name):
        raise AccountRefused(reason)


def _account(row: sqlite3.Row) -> Account:
    plain = dict(row)
    return Account(**{**plain, "role": Role(plain["role"]), "must_change": bool(plain["must_change"])})
