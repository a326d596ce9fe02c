"""The published JSON Schemas (docs/schemas), compiled once: what the documentation says is what is enforced on both sides."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import fastjsonschema

from device.messages.errors import MessageError

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
)


def read(name: str) -> dict[str, Any]:
    """The schema as published, a JSON object."""
    found = json.loads(resources.files("device").joinpath("schemas", f"{name}.schema.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@functools.cache
def _compiled(name: str) -> Callable[[Any], Any]:
    return _record() if name == "record" else _compile(read(name))


def _compile(rules: dict[str, Any]) -> Callable[[Any], Any]:
    compiled: Callable[[Any], Any] = fastjsonschema.compile(rules, use_default=False)
    return compiled


def _record() -> Callable[[Any], Any]:
    """The record's schema with its `if kind, then body` branches as one look-up: trying one after the other takes twice as long."""
    whole = read("record")
    bodies = {kind: _compile({"properties": {"body": rules}}) for kind, rules in whole["definitions"].items()}
    common = _compile({key: value for key, value in whole.items() if key not in ("allOf", "definitions")})

    def validate(value: Any) -> None:
        common(value)
        bodies[value["kind"]](value)

    return validate


def check(name: str, value: Any, refusal: type[MessageError]) -> None:
    """Returns if the schema `name` accepts `value`; else raises `refusal`, which names the field, never its content."""
    try:
        _compiled(name)(value)
    except fastjsonschema.JsonSchemaValueException as error:
        where = error.name or "data"
        raise refusal(f"{name}: {where} breaks the rule '{error.rule}: {_short(error.rule_definition)}'") from error


def _short(rule: Any) -> str:
    text = json.dumps(rule)
    return text if len(text) <= 120 else text[:117] + "..."
