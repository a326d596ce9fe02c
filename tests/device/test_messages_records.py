"""Records: what goes in comes out; signatures hold for one purpose, one device and one epoch only."""

from __future__ import annotations

import dataclasses
import string
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import messages
from device.messages import MessageError, Purpose, SchemaRefused, SignatureRefused, TooLarge, records, schema
from tests.device import parts

EPOCH = "e" * 32
STAMP = messages.Stamp(parts.START, parts.BOOT_ID, 5, "synced")


def written(body: messages.Body) -> messages.Record:
    return messages.write_record(parts.DEVICE, EPOCH, 2, "a" * 64, STAMP, body)


def test_there_is_an_example_of_every_body() -> None:
    assert {type(body) for body in parts.BODIES} == set(messages.BODIES.values())


@pytest.mark.parametrize("body", parts.BODIES, ids=lambda body: type(body).__name__)
def test_a_record_reads_back_as_it_was_written(body: messages.Body) -> None:
    record = written(body)
    again = messages.read_record(messages.parse(record.text))
    assert again == record
    assert messages.read_body(again) == body
    assert messages.BODIES[again.kind] is type(body)
    assert again.stamp == STAMP


@pytest.mark.parametrize("body", parts.BODIES, ids=lambda body: type(body).__name__)
def test_code_and_published_schema_have_the_same_fields(body: messages.Body) -> None:
    kind = records.KIND_OF[type(body)]
    published = schema.read("record")["definitions"][kind]
    later = {field.name for field in dataclasses.fields(body) if field.default is not dataclasses.MISSING}
    assert set(published["properties"]) == records.fields_of(type(body)) == set(published["required"]) | later
    assert written(body).body.keys() == set(published["properties"])


def test_the_nested_models_have_the_fields_of_their_schema() -> None:
    published = schema.read("record")["definitions"]["punch"]["properties"]["models"]
    assert set(published["properties"]) == records.fields_of(messages.Models)


def test_the_record_itself_has_the_fields_of_its_schema() -> None:
    plain = messages.parse(written(parts.punch()).text)
    published = schema.read("record")
    assert set(plain) == set(published["properties"]) == set(published["required"])
    assert set(published["properties"]["kind"]["enum"]) == set(messages.BODIES) == set(published["definitions"])


@pytest.mark.parametrize(
    ("where", "members"),
    [
        (("punch", "method"), messages.Method),
        (("punch", "direction"), [messages.Direction.IN, messages.Direction.OUT]),
        (("correction", "direction"), [messages.Direction.IN, messages.Direction.OUT]),
        (("punch", "liveness"), messages.Liveness),
        (("punch", "capture"), messages.Capture),
        (("consent", "act"), messages.ConsentAct),
        (("time", "source"), messages.Source),
    ],
)
def test_every_choice_in_code_is_a_choice_in_the_schema(where: tuple[str, str], members: Any) -> None:
    published = schema.read("record")["definitions"][where[0]]["properties"][where[1]]["enum"]
    assert published == [member.value for member in members]


@pytest.mark.parametrize("way", list(messages.Direction))
def test_a_server_that_knows_of_no_breaks_reads_going_to_one_and_coming_back_as_out_and_in(way: messages.Direction) -> None:
    """What an older schema demands is all that it finds; `pause` is one more field to it, and stays under the hash."""
    body = messages.parse(written(parts.punch(direction=way)).text)["body"]
    assert body["direction"] == {"in": "in", "back": "in", "out": "out", "break": "out"}[way]
    assert messages.direction_of(body) is way
    assert messages.direction_of({name: value for name, value in body.items() if name != "pause"}) is way.door
    with pytest.raises(messages.SchemaRefused):
        written(dataclasses.replace(parts.punch(), direction=messages.Direction.BREAK))


def test_fields_that_this_version_does_not_know_are_kept_and_lie_under_the_hash() -> None:
    plain = messages.parse(written(parts.punch()).text)
    plain["body"]["mask"] = "yes"
    plain["later"] = {"a": [1]}
    record = messages.read_record(plain)
    assert record.body["mask"] == "yes"
    assert messages.parse(record.text)["later"] == {"a": [1]}
    assert record.hash == messages.digest(messages.canonical(plain))
    assert messages.read_body(record) == parts.punch()
    plain["body"]["mask"] = "no"
    assert messages.read_record(plain).hash != record.hash


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("person", "Ada Lovelace"),
        ("method", "telepathy"),
        ("direction", "up"),
        ("score_band", 63),
        ("votes", -1),
        ("site", "x" * 65),
        ("first_attempt_at", "2026-11-23 09:00:00"),
        ("first_attempt_at", "2026-11-23T09:00:00.000000Z\n"),
        ("person", parts.ADA + "\n"),
        ("models", {"detector": "1" * 64}),
        ("votes", True),
    ],
)
def test_a_punch_that_the_schema_does_not_describe_is_refused_by_writer_and_reader(field: str, value: Any) -> None:
    plain = messages.parse(written(parts.punch()).text)
    plain["body"][field] = value
    with pytest.raises(SchemaRefused, match=field):
        messages.read_record(plain)


def test_the_writer_refuses_before_anything_is_made() -> None:
    with pytest.raises(SchemaRefused, match="site"):
        written(parts.punch(site="x" * 65))
    with pytest.raises(SchemaRefused, match="kind"):
        messages.read_record(messages.parse(written(parts.punch()).text) | {"kind": "unheard_of"})


def test_the_refusal_never_repeats_the_content() -> None:
    with pytest.raises(SchemaRefused) as refusal:
        written(messages.Audit("x", "y", "Ada Lovelace"))
    assert "Lovelace" not in str(refusal.value)


def test_a_record_over_the_limit_is_refused() -> None:
    plain = messages.parse(written(parts.punch()).text)
    size = len(messages.canonical(plain | {"note": ""}))
    limit = messages.read_record(plain | {"note": "x" * (messages.MAX_RECORD_BYTES - size)})
    assert len(limit.text) == messages.MAX_RECORD_BYTES
    with pytest.raises(TooLarge):
        messages.read_record(plain | {"note": "x" * (messages.MAX_RECORD_BYTES - size + 1)})


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-14 * 60, 14 * 60))
def test_a_time_reads_back_as_the_same_moment_in_utc(local: datetime, offset_min: int) -> None:
    at = local.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    again = messages.read_time(messages.write_time(at))
    assert again == at
    assert again.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T09:00:00Z",
        "2026-11-23T09:00:00.000000+00:00",
        "2026-11-23 09:00:00.000000Z",
        "2026-11-23T09:00:00,000000Z",
        "2026-W48-1T09:00:00.000000Z",
        "2026-13-23T09:00:00.000000Z",
        "2026-02-30T09:00:00.000000Z",
        "2026-11-23T24:00:00.000001Z",
        "2026-11-23T23:59:60.000000Z",
        "٢٠٢٦-11-23T09:00:00.000000Z",
        "",
    ],
)
def test_a_time_in_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(SchemaRefused):
        messages.read_time(text)


def test_a_body_whose_time_is_in_no_calendar_is_a_refusal_not_a_crash() -> None:
    plain = messages.parse(written(parts.punch()).text)
    plain["body"]["first_attempt_at"] = "2026-02-30T09:00:00.000000Z"
    with pytest.raises(MessageError):
        messages.read_body(messages.read_record(plain))


KEY = parts.signing_key()
DIGEST = messages.digest(b"a record")
SIGNED: dict[str, Any] = {"purpose": Purpose.RECORD, "device": parts.DEVICE, "epoch": EPOCH, "digest": DIGEST}


def verified(**changes: Any) -> None:
    sig = messages.sign(KEY, *SIGNED.values())
    said: dict[str, Any] = SIGNED | {"key": KEY.public_key(), "sig": sig} | changes
    messages.verify(said["key"], said["purpose"], said["device"], said["epoch"], said["digest"], said["sig"])


def test_a_signature_holds_for_what_was_signed() -> None:
    verified()


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": Purpose.HELLO},
        {"purpose": Purpose.ACKNOWLEDGEMENT},
        {"device": "kiosk-2"},
        {"epoch": "f" * 32},
        {"digest": messages.digest(b"another")},
        {"key": parts.signing_key(2).public_key()},
        {"sig": ""},
        {"sig": "not base64!"},
        {"sig": "é" * 88},
        {"sig": "A" * 86 + "=="},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_signature_for_one_thing_is_never_valid_for_another(change: dict[str, Any]) -> None:
    with pytest.raises(SignatureRefused):
        verified(**change)


def test_every_purpose_is_signed_differently() -> None:
    sigs = {messages.sign(KEY, purpose, parts.DEVICE, EPOCH, DIGEST) for purpose in Purpose}
    assert len(sigs) == len(Purpose)


@given(st.just(85) | st.integers(0, 87), st.sampled_from(string.ascii_letters + string.digits + "+/=- "))
def test_a_signature_has_one_spelling(place: int, letter: str) -> None:
    sig = messages.sign(KEY, Purpose.RECORD, parts.DEVICE, EPOCH, DIGEST)
    changed = sig[:place] + letter + sig[place + 1 :]
    if changed != sig:
        with pytest.raises(SignatureRefused):
            verified(sig=changed)


def test_a_public_key_reads_back_and_a_damaged_one_says_so() -> None:
    text = messages.public_key_text(KEY)
    assert messages.public_key_text(messages.public_key_from_text(text)) == text
    for damaged in (text[8:], text[:-2], text + "A", "ed25519:", "ed25519:" + "é" * 44, "rsa:" + text[8:]):
        with pytest.raises(MessageError):
            messages.public_key_from_text(damaged)


def test_messages_are_frozen() -> None:
    for body in parts.BODIES:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(body, dataclasses.fields(body)[0].name, "x")
