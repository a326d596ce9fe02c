"""The published JSON Schemas (docs/schemas), compiled once: what the documentation says is what is enforced on both sides."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any

import jsonschema_rs

from device.messages.errors import MessageError, NotCanonical

NAMES = (
    "record",
    "envelope",
    "records",
    "hello",
    "acknowledgement",
    "state",
    "server-state",
    "key-set",
    "desired",
    "desired-content",
    "join-invitation",
    "join-request",
    "join-answer",
    "lock-question",
    "lock-answer",
    "policy",
)


def read(name: str) -> dict[str, Any]:
    """The schema as published, a JSON object."""
    found = json.loads(resources.files("device").joinpath("schemas", f"{name}.schema.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@functools.cache
def _compiled(name: str) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(read(name))


def check(name: str, value: Any, refusal: type[MessageError]) -> None:
    """Returns if the schema `name` accepts `value`; else raises `refusal`, which names the field, never its content."""
    try:
        if not _compiled(name).is_valid(value):
            raise refusal(f"{name}: {_complaint(name, value)}")
    except UnicodeEncodeError as error:
        raise NotCanonical("text holds half of a surrogate pair; send valid Unicode") from error


def _complaint(name: str, value: Any) -> str:
    """The first rule that is broken, and where; the library's own sentence would quote the value."""
    error = next(_compiled(name).iter_errors(value))
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
    rule: Any = read(name)
    for step in error.schema_path:
        rule = rule[step]
    return f"data{where} breaks the rule '{error.schema_path[-1]}: {_short(rule)}'"


def _short(rule: Any) -> str:
    text = json.dumps(rule)
    return text if len(text) <= 120 else text[:117] + "..."
