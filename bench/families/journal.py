"""What durability costs: one signed, hashed, synced record beside a plain synced append of the same bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator

from bench.registry import Pair, Setting, number
from device import clock, journal, keys, messages

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


@number(
    family="journal",
    name="durable append",
    ours="canonical JSON, SHA-256, Ed25519, SQLite WAL with synchronous=FULL",
    peer="write of the same bytes and fdatasync, nothing else",
    at_most=4.0,
)
def durable_append(setting: Setting) -> Iterator[Pair]:
    """The peer is the floor: no store that syncs each record can be faster than one write and one fdatasync."""
    time_source = clock.SystemClock()
    key = keys.journal_key(setting.scratch / "keys")
    opened = journal.open_journal(setting.scratch / "journal.db", "kiosk-bench", key, "bench", time_source.now())
    opened.append(PUNCH, time_source.now())
    stretch = opened.stretch(1)
    assert stretch is not None
    text = stretch.texts[0]
    descriptor = os.open(setting.scratch / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def plain() -> None:
        os.write(descriptor, text)
        os.fdatasync(descriptor)

    try:
        yield Pair(ours=lambda: opened.append(PUNCH, time_source.now()), peer=plain)
    finally:
        os.close(descriptor)
        opened.close()
