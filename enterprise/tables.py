"""The tables, as a person may query them: hashes in hex, times as RFC 3339 text in UTC (they sort, and PostgreSQL casts them).

`record.body` and `parked.body` are the exact canonical text that was hashed and signed; `kind`, `person` and `at` are copied out of
it for queries, and `verify` holds them against the text. Records name nobody: `person` is an opaque id. Names and PIN hashes stand
in `wish` alone (the roster, and what is written to people), and go with whoever leaves it; of them `leaver` keeps number, group and
day of leaving until an erasure.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Index, Integer, Table, Text, and_, text

from enterprise.lock_tables import grant_use_key as grant_use_key
from enterprise.lock_tables import lock as lock
from enterprise.lock_tables import lock_clearance as lock_clearance
from enterprise.lock_tables import lock_event as lock_event
from enterprise.lock_tables import lock_grant as lock_grant
from enterprise.lock_tables import lock_kiosk as lock_kiosk
from enterprise.lock_tables import lock_stamp as lock_stamp
from enterprise.lock_tables import lock_verified as lock_verified
from enterprise.lock_tables import metadata as metadata
from enterprise.lock_tables import removed_lock as removed_lock

VERSION = 1  # of this layout; a later one comes with numbered steps from here

RARE = "kind <> 'punch'"  # punches are nearly all there is; what is looked for by kind is the rest

schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

# Kiosks that a person has vouched for, and the journal key of each (`daka-enterprise trust`).
device = Table(
    "device",
    metadata,
    Column("name", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("trusted_at", Text, nullable=False),
)

# One row for each journal of each kiosk: what has been signed for. `upto` 0 and 64 zeros: nothing yet.
epoch = Table(
    "epoch",
    metadata,
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("upto", BigInteger, nullable=False),
    Column("head", Text, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("first_seen", Text, nullable=False),
    Column("last_seen", Text, nullable=False),
)

# `sig` stands in the last record of each batch; through `prev` it covers the ones before it.
record = Table(
    "record",
    metadata,
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("sig", Text),
    Column("received_at", Text, nullable=False),
    Index("record_by_person", "person", "at"),
    Index("record_rare", "kind", "received_at", sqlite_where=text(RARE), postgresql_where=text(RARE)),
)

# Records that keep their place in the chain though this server cannot use them.
parked = Table(
    "parked",
    metadata,
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("sig", Text),
    Column("received_at", Text, nullable=False),
)

# Stretches that a kiosk has declared gone before this server had them; rows stay as history even if the records turn up later.
gap = Table(
    "gap",
    metadata,
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("declared_at", Text, nullable=False),
)

# What a person must look at. `seq` is the record concerned, 0 where there is none.
alarm = Table(
    "alarm",
    metadata,
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("detail", Text, nullable=False),
    Column("first_at", Text, nullable=False),
    Column("last_at", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
)

# What a kiosk's last hello said: the key that a desired state is sealed to, and the place of the last one that it took.
kiosk_side = Table(
    "kiosk_side",
    metadata,
    Column("device", Text, primary_key=True),
    Column("sealing_key", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("said_at", Text, nullable=False),
)

# What the enterprise wants of its kiosks (`device` empty: of all), one row a thing; `content` is JSON. Who asked, and when.
wish = Table(
    "wish",
    metadata,
    Column("device", Text, primary_key=True),
    Column("section", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("content", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Text, nullable=False),
)

# Whom a roster has named and none names any more. Their records stay here, so that it can be said whose they are, and erased by
# number; an erasure takes the row, too.
leaver = Table(
    "leaver",
    metadata,
    Column("person", Text, primary_key=True),
    Column("number", Text, nullable=False),
    Column("group", Text, nullable=False),
    Column("left_at", Text, nullable=False),
)

# The latest desired state of each kiosk, and its pages as they go to the broker; `sent` is 0 until the ingester has sent the page.
desired = Table(
    "desired",
    metadata,
    Column("device", Text, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("sealing_key", Text, nullable=False),
    Column("signed_at", Text, nullable=False),
)
desired_page = Table(
    "desired_page",
    metadata,
    Column("device", Text, primary_key=True),
    Column("page", Integer, primary_key=True, autoincrement=False),
    Column("payload", Text, nullable=False),
    Column("sent", Integer, nullable=False),
)

# A person has looked at an alarm; it is open again once its count goes beyond `count`. Rows stay as history.
settlement = Table(
    "settlement",
    metadata,
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("count", BigInteger, primary_key=True, autoincrement=False),
    Column("settled_by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("settled_at", Text, nullable=False),
)

# What a kiosk says of its machine, as canonical JSON; a table of its own, which older databases simply get.
device_health = Table(
    "device_health",
    metadata,
    Column("device", Text, primary_key=True),
    Column("health", Text, nullable=False),
    Column("heard_at", Text, nullable=False),
)

# The half of each kiosk's template key that lies here alone (`device.unlock = "server"`), base64; with it go the templates.
unlock_share = Table(
    "unlock_share",
    metadata,
    Column("device", Text, primary_key=True),
    Column("share", Text, nullable=False),
    Column("made_at", Text, nullable=False),
)

# How each kiosk says that it is (its state topic, the last will included); numbers and texts are empty while it is offline.
device_state = Table(
    "device_state",
    metadata,
    Column("device", Text, primary_key=True),
    Column("online", Integer, nullable=False),
    Column("session", Text, nullable=False),
    Column("backlog", BigInteger),
    Column("oldest_age_s", BigInteger),
    Column("clock_at", Text),
    Column("clock_quality", Text),
    Column("clock_source", Text),
    Column("clock_disagrees_by_us", BigInteger),
    Column("disk_free_bytes", BigInteger),
    Column("software", Text),
    Column("system", Text),
    Column("machine", Text),
    Column("network", Text),
    Column("heard_at", Text, nullable=False),
)

# Each boot by its first and last record, and each trusted time on record: what the correction of times needs.
boot = Table(
    "boot",
    metadata,
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("boot_id", Text, primary_key=True),
    Column("first_seq", BigInteger, nullable=False),
    Column("first_at", Text, nullable=False),
    Column("first_monotonic_us", BigInteger, nullable=False),
    Column("first_quality", Text, nullable=False),
    Column("last_monotonic_us", BigInteger, nullable=False),
)
anchor = Table(
    "anchor",
    metadata,
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("boot_id", Text, nullable=False),
    Column("monotonic_us", BigInteger, nullable=False),
    Column("utc", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("uncertainty_us", BigInteger, nullable=False),
)

# Invitations by the digest of their one-time token (`device` empty: any name), and the kiosks that asked with one.
invitation = Table(
    "invitation",
    metadata,
    Column("token", Text, primary_key=True),
    Column("device", Text, nullable=False),
    Column("ends_at", Text, nullable=False),
    Column("used_at", Text, nullable=False),
)
# Where an invitation sends kiosks: what is confirmed renews there, too.
invitation_url = Table(
    "invitation_url",
    metadata,
    Column("token", Text, primary_key=True),
    Column("url", Text, nullable=False),
)
join_request = Table(
    "join_request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("device", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("asked_at", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
)

# Certificates that kiosks were given, by serial number in hex; `revoked_at` empty: it counts.
certificate = Table(
    "certificate",
    metadata,
    Column("serial", Text, primary_key=True),
    Column("device", Text, nullable=False),
    Column("issued_at", Text, nullable=False),
    Column("ends_at", Text, nullable=False),
    Column("revoked_at", Text, nullable=False),
)

RECORD_COLUMNS = tuple(column.name for column in record.columns)
PARKED_COLUMNS = tuple(column.name for column in parked.columns)
PUNCH_VIEW = "punch"
PUNCH_KEPT = ("device", "epoch", "seq", "person", "at")
PUNCH_FIELDS = ("direction", "method", "liveness", "capture", "site", "first_attempt_at")
CLOCK_FIELDS = ("time_quality", "boot_id")  # by what clock `at` was read, which nobody has put right there
VIEW_COLUMNS = (*PUNCH_KEPT, *PUNCH_FIELDS, "received_at", "pause", "voided_by", *CLOCK_FIELDS)


def of_rare_kinds(*kinds: str) -> ColumnElement[bool]:
    """A condition on `record` that its index of rare kinds serves; SQLite wants to see the index's own condition."""
    return and_(record.c.kind != "punch", record.c.kind.in_(kinds))


def create_punch_view(connection: Connection) -> None:
    """`punch`: one row for each punch, with the fields that people ask for. New ones come last: PostgreSQL moves none.

    `voided_by` is the record that takes the punch out of what counts, empty where it counts. What the office added is no row here.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {PUNCH_VIEW}")  # SQLite replaces none
        begin, field, voided = "CREATE VIEW", "json_extract(body, '$.body.{0}') AS {0}", "json_extract(body, '$.body.punch')"
        clock, pause = "json_extract(body, '$.{0}') AS {0}", "coalesce(json_extract(body, '$.body.pause'), 0) AS pause"
    else:
        begin, field, voided = (
            "CREATE OR REPLACE VIEW",
            "body::jsonb -> 'body' ->> '{0}' AS {0}",
            "(body::jsonb -> 'body' ->> 'punch')::bigint",
        )
        clock, pause = "body::jsonb ->> '{0}' AS {0}", "coalesce((body::jsonb -> 'body' ->> 'pause')::boolean, false) AS pause"
    fields = ", ".join(field.format(name) for name in PUNCH_FIELDS)
    clocks = ", ".join(clock.format(name) for name in CLOCK_FIELDS)
    kept = ", ".join(f"record.{name}" for name in PUNCH_KEPT)
    voids = (
        f"SELECT device, epoch, {voided} AS voided, min(seq) AS voided_by FROM record"
        f" WHERE {RARE} AND kind = 'void' GROUP BY device, epoch, {voided}"
    )
    connection.exec_driver_sql(
        f"{begin} {PUNCH_VIEW} AS SELECT {kept}, {fields}, received_at, {pause}, voided_by, {clocks}"
        f" FROM record LEFT JOIN ({voids}) AS void"
        " ON void.device = record.device AND void.epoch = record.epoch AND void.voided = record.seq WHERE kind = 'punch'"
    )
