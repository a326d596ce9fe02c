"""One function for each way in: takes bytes, returns if they were used or refused as they should be, else fails.

A target builds its own small world once; the seeds are valid messages for it, from which fuzzers start.
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import config, desired, downlink, journal, messages, trust
from enterprise import carrying, roster
from enterprise.outcome import Arrival, Kind, Verdict
from tests.device import parts
from tests.enterprise.conftest import Office, open_office
from tests.enterprise.kiosk import Kiosk

SEALS = X25519PrivateKey.from_private_bytes(bytes([5]) * 32)
POLICY = parts.signing_key(7)
EPOCH = "ab" * 16
REFUSED = (Verdict.MALFORMED, Verdict.BAD_SIGNATURE, Verdict.UNSTORABLE, Verdict.WRONG_GENESIS, Verdict.FORK, Verdict.HOLE)
KINDS = ("envelope", "records", "hello", "acknowledgement", "state", "server-state")


@dataclass(frozen=True, slots=True)
class Target:
    """`feed` raises AssertionError, or anything unforeseen, if a promise is broken; `seeds` are valid inputs."""

    name: str
    feed: Callable[[bytes], object]
    seeds: Sequence[bytes]


def codec(data: bytes) -> None:
    """Bytes to values and back: the same bytes again, or a MessageError."""
    try:
        value = messages.parse(data)
    except messages.MessageError:
        return
    written = messages.canonical(value)
    assert messages.parse(written) == value
    for use in (messages.read_record, lambda plain: messages.read_batch(messages.canonical(plain), "kiosk-1")):
        try:
            use(value)
        except messages.MessageError:
            continue


def envelopes(data: bytes) -> None:
    """Every kind of envelope, compressed or not."""
    for encoding in ("", "gzip"):
        for kind in KINDS:
            try:
                messages.open_envelope(messages.decompress(data, encoding), kind, "kiosk-1")
            except messages.MessageError:
                continue


@functools.cache
def office() -> tuple[Office, Kiosk]:
    """SQLite in memory; kiosk-1 is trusted and has four of its eight records stored."""
    made = open_office("sqlite://")
    kiosk = made.trust(Kiosk(key=parts.signing_key(3), epoch=EPOCH))
    kiosk.punch(7)
    made.ingester.take(kiosk.name, kiosk.batch(1, 4))
    return made, kiosk


def ingest(data: bytes) -> None:
    """A message from a kiosk is stored whole, or refused by name with nothing stored; never anything in between."""
    made, _ = office()
    for kind in Kind:
        before = rows(made)
        (outcome,) = made.ingester.take_all([Arrival(kind, "kiosk-1", data)])
        if outcome.verdict in REFUSED:
            assert rows(made) == before, f"{outcome.verdict}, and yet something was stored"
        assert rows(made) - before == outcome.stored + outcome.parked


def carried(data: bytes) -> None:
    """A file from a stick: every line is stored whole or named with the reason, and the file is read to its end."""
    made, _ = office()
    before = rows(made)
    file = Path(tempfile.gettempdir()) / f"daka-fuzz-carried-{os.getpid()}"
    file.write_bytes(data)
    report = carrying.take(made.ingester, file)
    file.unlink()
    assert rows(made) - before == report.stored + report.parked
    looked_at = sum(report.verdicts.values())
    taken = sum(report.verdicts[verdict] for verdict in carrying.TAKEN)
    others = sum(carrying.OTHER_FILE in one for one in report.refused)  # no envelope, so no verdict
    assert min(looked_at - taken, carrying.MOST_NAMED - others) == len(report.refused) - others


def rows(made: Office) -> int:
    return int(str(made.rows("SELECT (SELECT count(*) FROM record) + (SELECT count(*) FROM parked)")[0][0]))


@functools.cache
def kiosk_side() -> tuple[journal.Journal, downlink.Downlink]:
    """A journal with ten records, and a down-link that believes POLICY."""
    folder = Path(tempfile.mkdtemp(prefix="daka-fuzz-"))
    opened = parts.open_journal(folder)
    parts.fill(opened, 9)
    believed = trust.Trust(folder / "enterprise.json", config.Uplink(policy_key=messages.public_key_text(POLICY)))
    return opened, downlink.Downlink(desired.Kept(folder / "desired.db"), parts.DEVICE, believed, SEALS)


def acknowledgement(data: bytes) -> None:
    """An acknowledgement moves the cursor as far as the server has signed, or is refused and moves nothing."""
    opened, _ = kiosk_side()
    before = opened.head().acknowledged
    try:
        answer = opened.acknowledge(data, parts.Server().key.public_key(), "")
    except journal.AcknowledgementRefused:
        assert opened.head().acknowledged == before
    else:
        assert opened.head().acknowledged == max(before, answer.upto)


def desired_state(data: bytes) -> None:
    """A page of the down-link is kept, or refused with nothing kept."""
    _, down = kiosk_side()
    before = down.kept.whole(), down.kept.place
    try:
        down.take(data)
    except downlink.DesiredRefused:
        assert (down.kept.whole(), down.kept.place) == before


def roster_list(data: bytes) -> None:
    """A list of employees is read whole, or refused with the line that is wrong."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return
    try:
        found = roster.read(text)
    except roster.RosterRefused:
        return
    assert all({"number", "name"} <= line.keys() for line in found)


def targets() -> tuple[Target, ...]:
    """Every way in, each with valid messages to begin with."""
    _, kiosk = office()
    opened, _ = kiosk_side()
    head = opened.head()
    batch, hello = kiosk.batch(5, 8), kiosk.hello()
    answer = parts.Server().acknowledgement(head.epoch, 5, parts.hash_of(opened, 5))
    listed = "number,name,language,group,expires\n1001,王芳,zh-CN,assembly,2027-01-31\n1002,Li Lei,en,,\n".encode()
    return (
        Target("codec", codec, (kiosk.texts[0], kiosk.texts[4], batch)),
        Target("envelopes", envelopes, (batch, hello, answer, messages.compress(batch)[0])),
        Target("ingest", ingest, (hello, batch, kiosk.batch(4, 8))),
        Target("carried", carried, (batch + b"\n", kiosk.batch(1, 4) + b"\n" + kiosk.batch(5, 8) + b"\n" + hello + b"\n")),
        Target("acknowledgement", acknowledgement, (answer,)),
        Target("desired", desired_state, pages()),
        Target("roster", roster_list, (listed,)),
    )


def pages() -> tuple[bytes, ...]:
    """A desired state as the enterprise signs and seals it."""
    content = messages.Content(
        messages.Roster("hr:li", (messages.RosterPerson(parts.ADA, "1001", "Wang Fang", "zh-CN"),)),
        messages.Policy("hr:li", {"attend.min_gap_s": "90.0"}),
    )
    now, recipient = messages.write_time(parts.START), SEALS.public_key()
    return tuple(messages.write_pages(parts.DEVICE, messages.Place(1, 1), content, recipient, POLICY, now))
