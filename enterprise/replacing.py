"""Another machine gets a kiosk's name: what the one before was given counts no more, for it may be the stolen one."""

from __future__ import annotations

from datetime import datetime

from enterprise import certificates, downlink, locks
from enterprise.store import Transaction


def replaced(transaction: Transaction, device: str, before: str, key: str, by: str, at: datetime) -> tuple[str, ...]:
    """The name's journal key is `key` and was `before`; the contract locks that the one before could use."""
    certificates.revoke(transaction, device, at)
    freed = locks.withdraw_all(transaction, device, at)
    downlink.abandon(transaction, device)  # until the new one has said hello: the sealing key is the other's
    lost = f"; it may use {', '.join(freed)} once it is enrolled anew: daka-enterprise lock enrol" if freed else ""
    transaction.alarm(device, "", "key_replaced", 0, f"{before} was replaced by {key}, by {by}{lost}", at)
    return freed
