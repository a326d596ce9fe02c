"""Who is signed in. A session is a random token of which only the hash is kept; it ends with the password that it was opened by."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_login import UserMixin

from web_ui.accounts import Account, Accounts
from web_ui.store import Store, now, written

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)  # a session that is in use is written down this often
MOST_LETTERS = 200


class User(UserMixin):  # type: ignore[misc]  # flask-login has no types
    """Somebody who is signed in: the account, and the token of this session."""

    def __init__(self, account: Account, token: str) -> None:
        self.account, self.token = account, token

    def get_id(self) -> str:
        """What the browser's cookie carries."""
        return self.token


@dataclass(frozen=True, slots=True)
class Session:
    """One open session as its owner sees it; `key` is the hash of the token."""

    key: str
    created_at: datetime
    seen_at: datetime
    address: str
    browser: str


class Sessions:
    """The open sessions in web.db."""

    def __init__(self, store: Store, accounts: Accounts, clock: Callable[[], datetime] = now) -> None:
        self._store, self._accounts, self._clock = store, accounts, clock

    def begin(self, account: Account, address: str, browser: str) -> User:
        """A new session; what has ended by now is swept away."""
        token, at = secrets.token_urlsafe(32), written(self._clock())
        row = (hashed(token), account.id, account.password_changed_at, at, at, address, browser[:MOST_LETTERS])
        with self._store.transaction() as connection:
            idle, longest = (written(self._clock() - limit) for limit in (IDLE, LONGEST))
            connection.execute("DELETE FROM session WHERE seen_at < ? OR created_at < ?", (idle, longest))
            connection.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        self._accounts.signed_in(account, address)
        return User(account, token)

    def find(self, token: str, *, in_use: bool = True) -> User | None:
        """Whose session this is; None if it has ended, or the password has changed since.

        `in_use`: a person asked; a page that renews itself on an empty desk keeps no session open.
        """
        row = self._store.row("SELECT * FROM session WHERE token_sha256 = ?", hashed(token))
        account = self._accounts.by_id(row["account"]) if row else None
        if row is None or account is None or row["password_changed_at"] != account.password_changed_at:
            return None
        seen, created, at = (*(datetime.fromisoformat(row[name]) for name in ("seen_at", "created_at")), self._clock())
        if at - seen > IDLE or at - created > LONGEST:
            self.end(hashed(token))
            return None
        if in_use and at - seen > SEEN_EVERY:
            with self._store.transaction() as connection:
                connection.execute("UPDATE session SET seen_at = ? WHERE token_sha256 = ?", (written(at), hashed(token)))
        return User(account, token)

    def of(self, account: Account) -> tuple[Session, ...]:
        """An account's open sessions, the newest first."""
        rows = self._store.rows("SELECT * FROM session WHERE account = ? ORDER BY created_at DESC", account.id)
        return tuple(
            Session(
                row["token_sha256"],
                datetime.fromisoformat(row["created_at"]),
                datetime.fromisoformat(row["seen_at"]),
                row["address"],
                row["browser"],
            )
            for row in rows
        )

    def end(self, key: str) -> None:
        """This session is over."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM session WHERE token_sha256 = ?", (key,))

    def end_others(self, account: Account, token: str) -> None:
        """All sessions of an account but this one are over."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM session WHERE account = ? AND token_sha256 <> ?", (account.id, hashed(token)))

    def end_all(self, account: Account) -> None:
        """All sessions of an account are over."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM session WHERE account = ?", (account.id,))


def hashed(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
