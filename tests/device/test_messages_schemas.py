"""The published schemas are sound, equal the code, and mean the same to two validators."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import messages
from device.messages import SchemaRefused, records, schema, wire
from tests.device import parts
from tests.device.test_downlink import FULL, pages
from tests.device.test_messages_batch import EPOCH, NOW, payload, signed_hello
from tests.device.test_messages_records import written

ONLINE = messages.Online(
    "5" * 32, messages.Backlog(3, 40), messages.Clock(NOW, "synced"), 10**9, "daka", "Linux", "aarch64", "ethernet"
)


def key_set() -> dict[str, Any]:
    key = messages.public_key_text(parts.signing_key())
    return messages.sign_key_set(messages.KeySet(key, 1, NOW, (key,), (key,), (), ()), parts.signing_key())


def joining_samples() -> list[tuple[str, dict[str, Any]]]:
    key, sig = messages.public_key_text(parts.signing_key()), "A" * 86 + "=="
    invitation = messages.Invitation("https://join.example:8443", key, "a" * 64, "token", "kiosk-1")
    request = messages.JoinRequest("kiosk-1", key, "token", key, "x25519:" + "A" * 43 + "=", key, "PEM")
    answer = messages.JoinAnswer("kiosk-1", "a" * 64, "PEM", "PEM", "mqtt.example", 8883, "", key_set())
    return [
        ("join-invitation", messages.CODEC.unstructure(invitation)),
        ("join-request", messages.CODEC.unstructure(request) | {"sig_journal": sig, "sig_grant_use": sig}),
        ("join-answer", messages.CODEC.unstructure(answer) | {"sig": sig}),
    ]


def samples() -> list[tuple[str, dict[str, Any]]]:
    """One honest value for each schema, and for `record` one of each kind."""
    acknowledgement = messages.parse(parts.Server().acknowledgement(EPOCH, 3, "a" * 64))
    plain = [("record", messages.parse(written(body).text)) for body in parts.BODIES]
    return [
        *plain,
        ("envelope", acknowledgement),
        ("acknowledgement", acknowledgement["data"]),
        ("records", messages.parse(payload())["data"]),
        ("hello", signed_hello()),
        ("state", messages.CODEC.unstructure(ONLINE)),
        ("state", messages.CODEC.unstructure(messages.DeviceState("5" * 32, False))),
        ("server-state", messages.CODEC.unstructure(messages.ServerState(True, 30))),
        ("desired", messages.parse(pages(FULL)[0])["data"]),
        ("desired-content", messages.parse(messages.write_content(FULL))),
        ("key-set", key_set()),
        *joining_samples(),
        ("lock-question", messages.CODEC.unstructure(messages.LockQuestion("LOCK-0001", "A" * 43 + "="))),
        ("policy", {"attend.min_gap_s": 90, "attend.direction": "schedule"}),
        ("lock-answer", messages.CODEC.unstructure(messages.LockAnswer("LOCK-0001", "A" * 43 + "=", "aGk="))),
    ]


@pytest.mark.parametrize("name", schema.NAMES)
def test_every_schema_is_valid_draft_07(name: str) -> None:
    published = schema.read(name)
    assert published["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert published["$id"] == f"urn:daka:schema:v1:{name}"
    jsonschema.Draft7Validator.check_schema(published)


def test_every_schema_has_an_honest_sample_that_it_accepts() -> None:
    assert {name for name, _ in samples()} == set(schema.NAMES)
    for name, value in samples():
        schema.check(name, value, SchemaRefused)
        jsonschema.Draft7Validator(schema.read(name)).validate(value)


@pytest.mark.parametrize(("message", "name"), list(wire.TYPES.items()), ids=lambda item: getattr(item, "__name__", item))
def test_every_message_has_the_fields_of_its_schema(message: type[Any], name: str) -> None:
    properties = set(schema.read(name)["properties"]) - {"sig"}
    if message is messages.DeviceState:  # the least of a state
        assert records.fields_of(message) == set(schema.read(name)["required"])
    else:
        assert records.fields_of(message) == properties


@pytest.mark.parametrize(("message", "field"), [(messages.Backlog, "backlog"), (messages.Clock, "clock")])
def test_the_nested_parts_of_a_state_have_the_fields_of_their_schema(message: type[Any], field: str) -> None:
    assert set(schema.read("state")["properties"][field]["properties"]) == records.fields_of(message)


CONTENT = schema.read("desired-content")["properties"]


def unsigned(name: str) -> dict[str, Any]:
    return {"properties": {field: 0 for field in schema.read(name)["properties"] if not field.startswith("sig")}}


@pytest.mark.parametrize(
    ("message", "rules"),
    [
        (messages.Content, {"properties": CONTENT}),
        (messages.Roster, CONTENT["roster"]),
        (messages.RosterPerson, CONTENT["roster"]["properties"]["people"]["items"]),
        (messages.Policy, CONTENT["policy"]),
        (messages.Retention, CONTENT["retention"]),
        (messages.Notice, CONTENT["notices"]["items"]),
        (messages.Tombstone, CONTENT["tombstones"]["items"]),
        (messages.Rewind, CONTENT["rewinds"]["items"]),
        (messages.Grant, CONTENT["grants"]["items"]),
        (messages.Invitation, schema.read("join-invitation")),
        (messages.JoinRequest, unsigned("join-request")),
        (messages.JoinAnswer, unsigned("join-answer")),
        (messages.KeySet, unsigned("key-set")),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_every_part_of_a_desired_state_has_the_fields_of_its_schema(message: type[Any], rules: dict[str, Any]) -> None:
    assert set(rules["properties"]) == records.fields_of(message)


def test_an_event_leaves_nothing_of_a_message_behind() -> None:
    for message in (ONLINE, messages.ServerState(True, 3), messages.DeviceState("5" * 32, False)):
        plain = messages.parse(messages.canonical(messages.CODEC.unstructure(message)))
        assert set(plain) == {field.name for field in dataclasses.fields(message)}
        assert messages.read_message(plain, type(message)) == message


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += paths(item, (*path, key))
    return found


ODD = st.one_of(
    st.integers(-5, 5),
    st.just(2**53 - 1),
    st.booleans(),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=5),
    st.sampled_from(["a" * 64, "a" * 32, "p-" + "a" * 32, "in", "punch", "", NOW, "A" * 86 + "==", "en", "/att/v1/kiosk-1"]),
    st.just([]),
    st.just({}),
    st.lists(st.integers(0, 2), max_size=3),
)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Any]:
    """An honest sample with one to three places replaced, removed or added."""
    name, value = draw(st.sampled_from(samples()))
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        places = paths(value)
        if not places:
            break
        path = draw(st.sampled_from(places))
        holder = value
        for step in path[:-1]:
            holder = holder[step]
        if draw(st.booleans()):
            holder[path[-1]] = draw(ODD)
        else:
            del holder[path[-1]]
    return name, value


VALIDATORS = {name: jsonschema.Draft7Validator(schema.read(name)) for name in schema.NAMES}


@given(mutated())
def test_two_validators_agree_on_every_sample(sample: tuple[str, Any]) -> None:
    name, value = sample
    try:
        schema.check(name, value, SchemaRefused)
        accepted = True
    except SchemaRefused:
        accepted = False
    assert VALIDATORS[name].is_valid(value) is accepted


def test_an_optional_field_with_a_bad_value_is_refused() -> None:
    with pytest.raises(SchemaRefused, match="backlog"):
        schema.check("state", messages.CODEC.unstructure(ONLINE) | {"backlog": {"records": -1, "oldest_age_s": 0}}, SchemaRefused)
