"""A batch is one unbroken, signed chain within its limits, or it is refused."""

from __future__ import annotations

import contextlib
import copy
import gzip
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from device import messages
from device.messages import MessageError, NotCanonical, Purpose, SchemaRefused, SignatureRefused, TooLarge, wire
from tests.device import parts

EPOCH = "e" * 32
KEY = parts.signing_key()
NOW = messages.write_time(parts.START)


def chain(count: int, first: int = 1, prev: str = messages.GENESIS_PREV) -> list[bytes]:
    texts = []
    for seq in range(first, first + count):
        stamp = messages.Stamp(parts.START, parts.BOOT_ID, seq, "synced")
        body = messages.Genesis("first_start", "t", messages.public_key_text(KEY)) if seq == 1 else messages.Boot(f"test {seq}")
        texts.append(messages.write_record(parts.DEVICE, EPOCH, seq, prev, stamp, body).text)
        prev = messages.digest(texts[-1]).hex()
    return texts


def sig_of(text: bytes, purpose: Purpose = Purpose.RECORD) -> str:
    return messages.sign(KEY, purpose, parts.DEVICE, EPOCH, messages.digest(text))


TEXTS = chain(6)


def payload(texts: list[bytes] | None = None, first: int = 1, sig: str | None = None) -> bytes:
    texts = TEXTS if texts is None else texts
    return messages.write_batch(parts.DEVICE, EPOCH, texts, first, sig or sig_of(texts[-1]), NOW)


def read(raw: bytes) -> messages.Batch:
    batch = messages.read_batch(raw, parts.DEVICE)
    messages.verify_batch(batch, KEY.public_key())
    return batch


def resealed(records: list[Any], **changes: Any) -> bytes:
    """The batch as somebody between kiosk and server would write it, with the true last signature."""
    data = messages.parse(payload())["data"] | {"records": records} | changes
    return messages.seal_envelope("records", parts.DEVICE, "x/1", NOW, data)


def plains() -> list[dict[str, Any]]:
    return copy.deepcopy(messages.parse(payload())["data"]["records"])


def test_an_honest_batch_reads_back() -> None:
    batch = read(payload())
    assert [link.text for link in batch.links] == TEXTS
    assert (batch.first, batch.last, batch.epoch, batch.device) == (1, 6, EPOCH, parts.DEVICE)


@given(st.integers(1, 6), st.integers(1, 6))
def test_splicing_gives_exactly_the_canonical_envelope(first: int, count: int) -> None:
    texts = TEXTS[first - 1 : first - 1 + count]
    spliced = payload(texts, first)
    assert spliced == messages.canonical(messages.parse(spliced))
    assert read(spliced).last == first + len(texts) - 1


def test_splicing_is_not_fooled_by_a_record_that_quotes_the_empty_list() -> None:
    stamp = messages.Stamp(parts.START, parts.BOOT_ID, 1, "synced")
    text = messages.write_record(parts.DEVICE, EPOCH, 1, messages.GENESIS_PREV, stamp, messages.Boot('"records":[]')).text
    spliced = payload([text])
    assert spliced == messages.canonical(messages.parse(spliced))


@given(st.integers(0, 5), st.data())
def test_changing_any_letter_of_any_record_is_found(index: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(TEXTS[index]) - 1))
    letter = data.draw(st.integers(32, 126))
    changed = bytearray(TEXTS[index])
    assume(changed[place] != letter)
    changed[place] = letter
    texts = [*TEXTS[:index], bytes(changed), *TEXTS[index + 1 :]]
    with pytest.raises(MessageError):
        read(payload(texts, sig=sig_of(TEXTS[-1])))


@given(st.permutations(range(6)))
def test_records_in_another_order_are_refused(order: list[int]) -> None:
    assume(order != list(range(6)))
    records = plains()
    with pytest.raises(MessageError):
        read(resealed([records[index] for index in order]))


@given(st.integers(0, 5), st.booleans())
def test_a_missing_record_is_noticed_wherever_it_stood(index: int, renumber: bool) -> None:
    records = plains()
    del records[index]
    changes = {"from": records[0]["seq"], "to": records[-1]["seq"]} if renumber else {}
    raw = resealed(records, **changes)
    if index == 0 and renumber:  # the rest is an honest batch of its own
        assert read(raw).first == 2
    else:
        with pytest.raises(MessageError):
            read(raw)


@given(st.integers(0, 4))
def test_a_record_of_another_chain_in_the_middle_is_refused(index: int) -> None:
    records = plains()
    records[index]["body"]["software"] = "another"
    with pytest.raises(SignatureRefused, match="does not follow"):
        read(resealed(records))


def test_a_replaced_last_record_does_not_carry_the_signature() -> None:
    records = plains()
    records[-1]["body"]["software"] = "another"
    with pytest.raises(SignatureRefused, match="signature"):
        read(resealed(records))


def test_a_record_that_stands_twice_is_refused() -> None:
    records = plains()
    with pytest.raises(MessageError):
        read(resealed([*records[:3], records[2], *records[3:]], to=7))


@pytest.mark.parametrize(("field", "value"), [("device", "kiosk-2"), ("epoch", "f" * 32)])
def test_a_record_of_another_device_or_epoch_is_refused(field: str, value: str) -> None:
    records = plains()
    records[0][field] = value
    with pytest.raises(SignatureRefused, match="another device or epoch"):
        messages.read_batch(resealed(records), parts.DEVICE)


def test_record_one_has_no_predecessor() -> None:
    with pytest.raises(SignatureRefused, match="predecessor"):
        messages.read_batch(payload(chain(2, prev="1" * 64)), parts.DEVICE)


@pytest.mark.parametrize("change", [{"from": 2}, {"to": 5}, {"epoch": "f" * 32}, {"sig": "x"}])
def test_a_batch_that_lies_about_itself_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MessageError):
        messages.read_batch(resealed(plains(), **change), parts.DEVICE)


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(SchemaRefused, match="records"):
        messages.read_batch(resealed([]), parts.DEVICE)


def test_a_batch_with_another_purposes_signature_is_refused() -> None:
    with pytest.raises(SignatureRefused):
        read(payload(sig=sig_of(TEXTS[-1], Purpose.HELLO)))


def test_a_batch_from_another_topic_is_refused() -> None:
    with pytest.raises(SchemaRefused, match="source"):
        messages.read_batch(payload(), "kiosk-2")
    with pytest.raises(SchemaRefused, match="type"):
        messages.open_envelope(payload(), "hello", parts.DEVICE)


def test_unknown_fields_travel_and_lie_under_the_hash() -> None:
    plain = messages.parse(TEXTS[5])
    plain["future"] = {"mask": "yes"}
    text = messages.canonical(plain)
    batch = read(payload([*TEXTS[:5], text]))
    assert batch.links[-1].plain["future"] == {"mask": "yes"}
    assert batch.links[-1].text == text


def test_a_record_of_an_unknown_kind_still_stands_in_the_chain() -> None:
    plain = messages.parse(TEXTS[5]) | {"kind": "not_yet_invented"}
    assert read(payload([*TEXTS[:5], messages.canonical(plain)])).last == 6


def test_two_hundred_records_are_a_batch_and_one_more_is_not() -> None:
    texts = chain(messages.MAX_BATCH_RECORDS + 1)
    assert len(read(payload(texts[:-1])).links) == messages.MAX_BATCH_RECORDS
    with pytest.raises(SchemaRefused):
        messages.read_batch(payload(texts), parts.DEVICE)


@given(st.binary(max_size=5_000) | st.integers(0, 400_000).map(lambda size: b"a" * size))
def test_what_is_compressed_unfolds_as_it_was(plain: bytes) -> None:
    packed, encoding = messages.compress(plain)
    assert encoding == ("gzip" if len(plain) > wire.COMPRESS_ABOVE_BYTES else "")
    assert messages.decompress(packed, encoding) == plain


def test_compression_is_plain_gzip_for_everybody_else() -> None:
    packed, _ = messages.compress(b"a" * 10_000)
    assert gzip.decompress(packed) == b"a" * 10_000


def test_a_gzip_bomb_ends_at_the_limit() -> None:
    bomb = gzip.compress(bytes(200 * 1024 * 1024), 9)
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    with pytest.raises(TooLarge):
        messages.decompress(bomb, "gzip")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 * wire.MAX_MESSAGE_BYTES
    assert messages.decompress(gzip.compress(bytes(wire.MAX_MESSAGE_BYTES)), "gzip") == bytes(wire.MAX_MESSAGE_BYTES)
    for encoding, raw in (("gzip", gzip.compress(bytes(wire.MAX_MESSAGE_BYTES + 1))), ("", bytes(wire.MAX_MESSAGE_BYTES + 1))):
        with pytest.raises(TooLarge):
            messages.decompress(raw, encoding)


@given(st.integers(0, 10_000))
def test_a_gzip_message_cut_anywhere_is_refused(cut: int) -> None:
    packed = gzip.compress(payload() * 4)
    with pytest.raises(NotCanonical, match="cut short"):
        messages.decompress(packed[: cut % len(packed)], "gzip")


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_flipped_bit_in_a_gzip_message_never_changes_the_content_in_silence(place: int, bit: int) -> None:
    plain = payload() * 2
    packed = bytearray(gzip.compress(plain, mtime=0))
    packed[place % len(packed)] ^= 1 << bit
    with contextlib.suppress(NotCanonical, TooLarge):
        assert messages.decompress(bytes(packed), "gzip") == plain  # a bit of the header that says nothing


def test_bytes_behind_the_end_and_unknown_encodings_are_refused() -> None:
    packed = gzip.compress(b"{}")
    for raw, encoding in ((packed + b"x", "gzip"), (packed + packed, "gzip"), (zlib.compress(b"{}"), "gzip"), (b"{}", "br")):
        with pytest.raises(MessageError):
            messages.decompress(raw, encoding)


def test_topics_name_their_device() -> None:
    topics = messages.topics("kiosk-7")
    for topic in (topics.records, topics.hello, topics.state, topics.acknowledgement, topics.desired):
        assert messages.device_of(topic) == "kiosk-7"
    for foreign in ("att/v1/kiosk-7", "att/v2/kiosk-7/state", "other/v1/kiosk-7/state", ""):
        with pytest.raises(MessageError):
            messages.device_of(foreign)


def signed_hello() -> dict[str, Any]:
    hello = messages.Hello(EPOCH, 1, 6, "a" * 64, 0, "b" * 32, "test", ("gzip",))
    return messages.parse(messages.canonical(messages.signed(hello, KEY, Purpose.HELLO, parts.DEVICE)))  # type: ignore[no-any-return]


@pytest.mark.parametrize("field", ["first_kept", "last", "acknowledged"])
def test_a_greeting_with_a_changed_field_does_not_hold(field: str) -> None:
    data = signed_hello()
    messages.verify_signed(data, KEY.public_key(), Purpose.HELLO, parts.DEVICE)
    for changed in (data | {field: data[field] + 1}, data | {"added": "later"}):
        with pytest.raises(SignatureRefused):
            messages.verify_signed(changed, KEY.public_key(), Purpose.HELLO, parts.DEVICE)


def test_a_greeting_keeps_unknown_fields_under_its_signature() -> None:
    plain = {name: value for name, value in signed_hello().items() if name != "sig"} | {"later": "yes"}
    sig = messages.sign(KEY, Purpose.HELLO, parts.DEVICE, EPOCH, messages.digest(messages.canonical(plain)))
    messages.verify_signed(plain | {"sig": sig}, KEY.public_key(), Purpose.HELLO, parts.DEVICE)
    assert messages.read_message(plain | {"sig": sig}, messages.Hello).last == 6
