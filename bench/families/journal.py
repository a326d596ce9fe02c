"""What durability costs: one signed, hashed, synced record beside a plain synced append of the same bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

import persistqueue

from bench.registry import Pair, Setting, number
from device import clock, database, journal, keys, messages

TIME_SOURCE = clock.SystemClock()
PUNCH = messages.PunchBody(
    person=f"p-{0:032x}",
    method=messages.Method.FACE,
    direction=messages.Direction.IN,
    score_band=65,
    votes=3,
    liveness=messages.Liveness.NOT_ASSESSED,
    capture=messages.Capture.SIMULATED,
    models=messages.Models("a" * 64, "b" * 64),
    site="bench",
    first_attempt_at=clock.from_microseconds(1_800_000_000_000_000),
)


@contextmanager
def opened_journal(setting: Setting) -> Iterator[journal.Journal]:
    """A journal with a few records."""
    key = keys.journal_key(setting.scratch / "keys")
    opened = journal.open_journal(setting.scratch / "journal.db", "kiosk-bench", key, "bench", TIME_SOURCE.now())
    opened.append(PUNCH, TIME_SOURCE.now())
    yield opened
    opened.close()


def written(opened: journal.Journal) -> bytes:
    """A punch as it lies in the file."""
    stretch = opened.stretch(1)
    assert stretch is not None
    return stretch.texts[0]


@number(
    family="journal",
    name="durable append",
    ours="canonical JSON, SHA-256, Ed25519, SQLite WAL with synchronous=FULL",
    peer="write of the same bytes and fdatasync, nothing else",
    at_most=4.0,
)
def durable_append(setting: Setting) -> Iterator[Pair]:
    """The peer is the floor: no store that syncs each record can be faster than one write and one fdatasync."""
    with opened_journal(setting) as opened:
        text = written(opened)
        descriptor = os.open(setting.scratch / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

        def plain() -> None:
            os.write(descriptor, text)
            os.fdatasync(descriptor)

        yield Pair(ours=lambda: opened.append(PUNCH, TIME_SOURCE.now()), peer=plain)
        os.close(descriptor)


@number(
    family="journal",
    name="append beside persist-queue",
    ours="canonical JSON, SHA-256, Ed25519, SQLite WAL with synchronous=FULL",
    peer="persist-queue's SQLiteQueue.put of the same bytes, WAL, FULL, committed; neither hashed nor signed",
    at_most=1 / 0.7,
)
def beside_persist_queue(setting: Setting) -> Iterator[Pair]:
    """What people who want a durable queue in Python take; at least 0.7 of its rate."""
    queue = persistqueue.SQLiteQueue(str(setting.scratch / "queue"), multithreading=True, auto_commit=True)
    with opened_journal(setting) as opened:
        text = written(opened)
        yield Pair(ours=lambda: opened.append(PUNCH, TIME_SOURCE.now()), peer=lambda: queue.put(text))
    queue.close()


@number(
    family="journal",
    name="the least that is signed, beside persist-queue",
    ours="SHA-256, Ed25519 and one INSERT of ready bytes, WAL, FULL: no record, schema, clock or chain",
    peer="persist-queue's SQLiteQueue.put of the same bytes, WAL, FULL, committed; neither hashed nor signed",
    at_most=1 / 0.7,
)
def least_that_is_signed(setting: Setting) -> Iterator[Pair]:
    """How much of 0.7 of its rate is left for what makes a record, whoever writes it."""
    queue = persistqueue.SQLiteQueue(str(setting.scratch / "queue"), multithreading=True, auto_commit=True)
    key = keys.journal_key(setting.scratch / "least")
    bare = database.connect(setting.scratch / "least.db")
    bare.execute("CREATE TABLE record (seq INTEGER PRIMARY KEY, sig BLOB NOT NULL, text BLOB NOT NULL)")
    with opened_journal(setting) as opened:
        text = written(opened)

        def least() -> None:
            signature = key.sign(hashlib.sha256(text).digest())
            bare.execute("INSERT INTO record (sig, text) VALUES (?, ?)", (signature, text))

        yield Pair(ours=least, peer=lambda: queue.put(text))
    bare.close()
    queue.close()
