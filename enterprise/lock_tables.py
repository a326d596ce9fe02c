"""The tables of contract locks. They lie beside the others in one database; rooms ask for them through `enterprise.tables`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

metadata = MetaData()  # of every table of the database

# Contract locks: the key of each, the epoch below which no grant counts, how far its log is here without a hole; the kiosks that
# may use it; what was approved, and when it was revoked (0: it stands); and what it did. `clear_tamper` is not read any more.
lock = Table(
    "lock",
    metadata,
    Column("lock", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("seen_hash", Text, nullable=False),
    Column("clear_tamper", Integer, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", Text, nullable=False),
)
lock_kiosk = Table(
    "lock_kiosk",
    metadata,
    Column("lock", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
lock_grant = Table(
    "lock_grant",
    metadata,
    Column("id", Text, primary_key=True),
    Column("lock", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("stamps", Integer, nullable=False),
    Column("factors", Integer, nullable=False),
    Column("label", Text, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("revoked", BigInteger, nullable=False),
    Column("asked_by", Text, nullable=False),
)
lock_event = Table(
    "lock_event",
    metadata,
    Column("lock", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("prev", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("grant_id", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("device", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

# Locks that were removed, and how far each was: should one come back, its floor and its log go on from there.
removed_lock = Table(
    "removed_lock",
    metadata,
    Column("lock", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("seen_hash", Text, nullable=False),
    Column("removed_by", Text, nullable=False),
    Column("removed_at", Text, nullable=False),
)

# Locks whose tampering and falls, up to this event, somebody has taken back; a row goes once the lock has said that it heard.
lock_clearance = Table(
    "lock_clearance",
    metadata,
    Column("lock", Text, primary_key=True),
    Column("upto", BigInteger, nullable=False),
)

# The public half of the key with which a joined kiosk says to contract locks that a person was verified.
grant_use_key = Table(
    "grant_use_key",
    metadata,
    Column("device", Text, primary_key=True),
    Column("key", Text, nullable=False),
)

# Each stamp, and whether the kiosk's record of its verification was found; `device` is the kiosk that owes it.
lock_stamp = Table(
    "lock_stamp",
    metadata,
    Column("lock", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("device", Text, nullable=False),
    Column("grant_id", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("state", Text, nullable=False),
    Index("lock_stamp_by_record", "record"),
)

# What kiosks have verified people for, by the hash of the record that says so.
lock_verified = Table(
    "lock_verified",
    metadata,
    Column("record", Text, primary_key=True),
    Column("device", Text, nullable=False),
    Column("lock", Text, nullable=False),
    Column("grant_id", Text, nullable=False),
)
