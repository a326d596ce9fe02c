"""Notices of a new consent text, for each account until it has read them. What was there before the account is no news to it."""

from __future__ import annotations

import logging

from device.api import KioskError
from web_ui.accounts import Account
from web_ui.house import house, kiosk
from web_ui.store import now, written

log = logging.getLogger(__name__)


def notice_of(version: str) -> str:
    """The name of a notice: a text of a new version."""
    return f"consent-text-{version}"


def is_read(account: Account, notice: str) -> bool:
    """Whether this account has read it."""
    return house().store.row("SELECT 1 FROM notice_read WHERE account = ? AND notice = ?", account.id, notice) is not None


def keep(account: Account, notice: str) -> None:
    """From now on it has."""
    with house().store.transaction() as connection:
        connection.execute("INSERT OR IGNORE INTO notice_read VALUES (?, ?, ?)", (account.id, notice, written(now())))


def begin(account: Account) -> None:
    """A new account: the text of today is its first, not a new version."""
    try:
        keep(account, notice_of(kiosk().consent_texts()[0].version))
    except KioskError as error:
        log.warning("a new account will be told of today's text: %s", error)
