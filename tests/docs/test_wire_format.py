"""The wire format's examples, checked as a stranger would: with JSON, SHA-256 and Ed25519, and none of our own codec.

Only at the end the codec reads them too, so that text, schema and code say the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import cards, messages, upgrade
from device.messages import pins, schema, wire
from device.people import credentials
from enterprise import join_service

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "wire-format.md").read_text("utf-8")
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]
KEYS = [Ed25519PublicKey.from_public_bytes(base64.b64decode(text)) for text in re.findall(r"`ed25519:([A-Za-z0-9+/=]+)`", TEXT)]
ASYNCAPI = yaml.safe_load((DOCS / "schemas" / "asyncapi.yaml").read_text("utf-8"))


def example(kind: str) -> dict[str, Any]:
    return next(found for found in EXAMPLES if found["type"] == f"daka.{kind}.v1")


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def verify(key: Ed25519PublicKey, purpose: str, data: dict[str, Any], digest: bytes) -> None:
    signed = b"\0".join([purpose.encode(), b"kiosk-doc", data["epoch"].encode(), digest])
    key.verify(base64.b64decode(data["sig"]), signed)


def test_the_chain_of_the_example_holds_by_the_texts_rules_alone() -> None:
    data = example("records")["data"]
    prev = "0" * 64
    for seq, record in enumerate(data["records"], start=1):
        assert (record["seq"], record["prev"]) == (seq, prev)
        prev = hashlib.sha256(canonical(record)).hexdigest()
    verify(KEYS[0], "daka/v1/record", data, bytes.fromhex(prev))
    assert prev == example("hello")["data"]["head"] == example("acknowledgement")["data"]["head"]


@pytest.mark.parametrize(("kind", "key"), [("hello", 0), ("acknowledgement", 1)])
def test_a_signature_of_the_example_holds_by_the_texts_rules_alone(kind: str, key: int) -> None:
    data = example(kind)["data"]
    rest = {name: value for name, value in data.items() if name != "sig"}
    verify(KEYS[key], f"daka/v1/{kind}", data, hashlib.sha256(canonical(rest)).digest())


def test_the_desired_state_of_the_example_holds_and_opens_by_the_texts_rules_alone() -> None:
    data = example("desired")["data"]
    rest = {name: value for name, value in data.items() if name != "sig"}
    digest = hashlib.sha256(canonical(rest)).digest()
    signed = b"\0".join([b"daka/v1/desired", b"kiosk-doc", str(data["generation"]).encode(), digest])
    KEYS[2].verify(base64.b64decode(data["sig"]), signed)
    found = re.search(r"`x25519-secret:([A-Za-z0-9+/=]+)`", TEXT)
    assert found is not None
    secret = X25519PrivateKey.from_private_bytes(base64.b64decode(found[1]))
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    place = [data[name] for name in ("generation", "version", "page", "pages")]
    info = "\0".join(["daka/v1/desired", "kiosk-doc", *map(str, place)]).encode()
    content = json.loads(suite.decrypt(base64.b64decode(data["sealed"]), secret, info=info))
    jsonschema.validate(content, schema.read("desired-content"))
    shown = next(json.loads(block) for block in re.findall(r"```jsonc\n(.*?)```", TEXT, re.DOTALL))
    assert content == shown


def test_a_changed_example_would_not_pass() -> None:
    data = json.loads(json.dumps(example("records")["data"]))
    data["records"][2]["body"]["direction"] = "out"
    digest = hashlib.sha256(canonical(data["records"][2])).digest()
    with pytest.raises(InvalidSignature):
        verify(KEYS[0], "daka/v1/record", data, digest)


@pytest.mark.parametrize("found", EXAMPLES, ids=lambda found: str(found["type"]))
def test_every_example_is_what_schema_and_codec_accept(found: dict[str, Any]) -> None:
    kind = found["type"].removeprefix("daka.").removesuffix(".v1")
    jsonschema.validate(found, schema.read("envelope"))
    jsonschema.validate(found["data"], schema.read(kind))
    device = found["source"].removeprefix("/att/v1/")
    assert messages.open_envelope(messages.canonical(found), kind, device) == found["data"]


def test_the_records_of_the_example_are_what_the_schema_accepts() -> None:
    for record in example("records")["data"]["records"]:
        jsonschema.validate(record, schema.read("record"))
        messages.read_body(messages.read_record(record))


def test_every_message_has_an_example_and_a_channel() -> None:
    kinds = {"records", "desired", *wire.TYPES.values()}
    assert {found["type"].removeprefix("daka.").removesuffix(".v1") for found in EXAMPLES} == kinds
    assert set(ASYNCAPI["components"]["messages"]) == kinds


def test_every_topic_of_the_code_is_a_channel_and_every_channel_a_topic() -> None:
    topics = messages.topics("{device}")
    named = {topics.records, topics.hello, topics.state, topics.acknowledgement, messages.SERVER_STATE_TOPIC}
    named |= {topics.desired, f"{topics.desired}/{{page}}", topics.lock_question, topics.lock_answer}
    assert topics.desired_page(2) == f"{topics.desired}/2"
    assert {channel["address"] for channel in ASYNCAPI["channels"].values()} == named
    assert all(f"`{address.replace('{device}', 'DEVICE').replace('{page}', 'PAGE')}`" in TEXT for address in named)


def test_every_message_of_the_contract_points_to_a_published_schema() -> None:
    for kind, message in ASYNCAPI["components"]["messages"].items():
        assert message["payload"]["$ref"] == "./envelope.schema.json"
        assert message["x-data-schema"]["$ref"] == f"./{kind}.schema.json"
        assert (DOCS / "schemas" / f"{kind}.schema.json").exists()


def test_every_operation_names_a_channel_and_its_messages() -> None:
    for operation in ASYNCAPI["operations"].values():
        assert operation["action"] in ("send", "receive")
        name = operation["channel"]["$ref"].removeprefix("#/channels/")
        assert name in ASYNCAPI["channels"]
        assert operation["bindings"]["mqtt"]["qos"] == 1
    assert {operation["channel"]["$ref"].rpartition("/")[2] for operation in ASYNCAPI["operations"].values()} == set(
        ASYNCAPI["channels"]
    )


def fields_of(heading: str) -> set[str]:
    """The names in the first column of the table under a heading."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_every_field_of_a_hello_is_explained() -> None:
    assert fields_of("Hello") == set(schema.read("hello")["properties"])


def test_what_a_kiosk_takes_of_a_rosters_secrets_stands_on_the_page() -> None:
    person = schema.read("desired-content")["properties"]["roster"]["properties"]["people"]["items"]["properties"]
    assert {"pin", "badges", "qr"} <= fields_of("Desired state")
    badge = person["badges"]
    for limit in (
        f"at most {credentials.MOST_MEMORY_KIB:,} KiB of memory, {credentials.MOST_PASSES} passes, {credentials.MOST_LANES} lanes",
        f"{person['pin']['maxLength']} characters",
        f"{pins.PIN_DIGITS.start} to {pins.PIN_DIGITS.stop - 1} of them",
        f"at most {badge['maxItems']}, each {badge['items']['minLength']} to {badge['items']['maxLength']} printable characters",
        f"the text of one printed code, 4 to {person['qr']['maxLength']} printable characters",
        f"`{cards.PREFIX}`",
        f"`{credentials.PHONE_PREFIX}`",
    ):
        assert limit in TEXT, limit


def test_every_address_of_the_join_service_stands_on_the_page(tmp_path: Path) -> None:
    service = join_service.Service(None, tmp_path, "", lambda: datetime.now(UTC))  # type: ignore[arg-type]  # nobody asks it anything
    for rule in join_service.application(service).url_map.iter_rules():
        (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        address = rule.rule.replace("<number>", "ID").replace("<channel>", "CHANNEL").replace("<name>", "NAME")
        assert f"`{method} {address}`" in TEXT, (method, address)


def test_the_example_of_an_upgrade_checks_answer_is_one_that_a_kiosk_follows() -> None:
    blocks = (json.loads(block) for block in re.findall(r"```jsonc\n(.*?)```", TEXT, re.DOTALL))
    shown = next(block for block in blocks if "releases" in block)
    (offered,) = (messages.CODEC.structure(one, upgrade.Offered) for one in shown["releases"])
    assert upgrade._is_sane(offered)
    assert "{" + ",".join(f'"{name}"' for name in sorted(join_service.CHECK_SAYS)) + "}" in TEXT


def test_the_page_names_no_file_that_is_not_there_and_every_schema() -> None:
    linked = set(re.findall(r"\]\(([^)#:]+)\)", TEXT))
    for name in linked:
        assert (DOCS / name).exists(), name
    apart = {path.stem.partition(".")[0] for path in (DOCS / "schemas").glob("*.schema.json")}
    apart -= {found["type"].removeprefix("daka.").removesuffix(".v1") for found in EXAMPLES} | {"envelope", "record"}
    assert {f"schemas/{name}.schema.json" for name in apart} <= linked
