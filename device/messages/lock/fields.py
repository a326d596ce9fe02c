"""Dataclasses to CBOR maps with integer keys and back, by what each field declares: no codec is written by hand, none can drift.

A reader takes exactly what is declared: an unknown key, a missing one, a wrong type, a length or a number out of bounds is refused.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, TypeVar

import cbor2

from device.messages.errors import MessageError

MOST_DEPTH = 6  # deeper than any paper or command; bounds the work on hostile input
_Value = TypeVar("_Value")
_PLAIN = (int, bytes, str)  # a boolean is an integer here


class ClaimsRefused(MessageError):
    """CBOR that says something else than was agreed; the message names the field, never its content."""


@dataclass(frozen=True, slots=True)
class Octets:
    """A byte string of `least` to `most` bytes."""

    least: int
    most: int

    def accepts(self, value: Any) -> bool:
        return isinstance(value, bytes) and self.least <= len(value) <= self.most


@dataclass(frozen=True, slots=True)
class Words:
    """Text of at most `most` bytes of UTF-8, without control characters; `pattern` narrows it."""

    most: int
    pattern: str = r"[^\x00-\x1f\x7f]*"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and len(value.encode("utf-8")) <= self.most and bool(re.fullmatch(self.pattern, value))


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number from `least` to `most`."""

    most: int
    least: int = 0

    def accepts(self, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def accepts(self, value: Any) -> bool:
        return isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class ManyOctets:
    """At most `most` byte strings."""

    most: int

    def accepts(self, value: Any) -> bool:
        return isinstance(value, list) and len(value) <= self.most and all(isinstance(item, bytes) for item in value)


Kind = Octets | Words | Number | Flag | ManyOctets
HASH = Octets(32, 32)
IDENTIFIER = Octets(16, 16)
SECONDS = Number(2**40)  # since 1970, UTC
LOCK_ID = Words(32, r"[A-Za-z0-9][A-Za-z0-9-]{3,31}")


def claim(key: int, kind: Kind, **rest: Any) -> Any:
    """A field that travels under the integer `key`; with a `default` it may be absent, and is absent when it has that value."""
    return dataclasses.field(metadata={"key": key, "kind": kind}, **rest)


def dumps(value: Any) -> bytes:
    """Deterministic CBOR (RFC 8949 section 4.2.1)."""
    return cbor2.dumps(value, canonical=True)


def loads(data: bytes) -> Any:
    """The value of exactly these bytes; ClaimsRefused unless they are its one deterministic spelling."""
    try:
        value = cbor2.loads(data)
        spelled = _shallow(value, MOST_DEPTH) and dumps(value)
    except Exception as error:
        raise ClaimsRefused("not CBOR that this profile reads") from error
    if spelled != data:
        raise ClaimsRefused("not the deterministic spelling of its CBOR")
    return value


def write(value: Any) -> bytes:
    """The dataclass as a CBOR map; ClaimsRefused for a value that its own reader would refuse."""
    return dumps(plain(value))


def plain(value: Any) -> dict[int, Any]:
    """The map itself, for a message that stands inside another."""
    found = {}
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        item = list(item) if isinstance(item, tuple) else item
        if item != field.default:
            _check(type(value), field, item)
            found[field.metadata["key"]] = item
    return found


def read(data: bytes, into: type[_Value]) -> _Value:
    """The dataclass that `write` wrote; ClaimsRefused names the field that is wrong."""
    return build(loads(data), into)


def build(found: Any, into: type[_Value]) -> _Value:
    """As `read`, from a map that was inside another message."""
    if not isinstance(found, dict):
        raise ClaimsRefused(f"{into.__name__}: not a map")
    values, fields = {}, {field.metadata["key"]: field for field in dataclasses.fields(into)}  # type: ignore[arg-type]
    if strange := set(found) - set(fields):
        raise ClaimsRefused(f"{into.__name__}: holds {len(strange)} field(s) that this version does not know")
    for key, field in fields.items():
        if key in found:
            _check(into, field, found[key])
            if found[key] == field.default:
                raise ClaimsRefused(f"{into.__name__}: {field.name} stands there with the value that it has when it is absent")
            values[field.name] = tuple(found[key]) if isinstance(found[key], list) else found[key]
        elif field.default is dataclasses.MISSING:
            raise ClaimsRefused(f"{into.__name__}: {field.name} is missing")
    return into(**values)


def _check(owner: type[Any], field: dataclasses.Field[Any], value: Any) -> None:
    if not field.metadata["kind"].accepts(value):
        raise ClaimsRefused(f"{owner.__name__}: {field.name} is not {_described(field.metadata['kind'])}")


def _described(kind: Kind) -> str:
    match kind:
        case Octets(least, most):
            return f"a string of {least} bytes" if least == most else f"a string of {least} to {most} bytes"
        case Words(most):
            return f"text of at most {most} bytes in the form agreed"
        case Number(most, least):
            return f"a whole number from {least} to {most}"
        case ManyOctets(most):
            return f"a list of at most {most} byte strings"
        case _:
            return "true or false"


def _shallow(value: Any, depth: int) -> bool:
    """True, or ClaimsRefused: only integers, byte strings, text, booleans, lists and maps, and not deep."""
    if isinstance(value, _PLAIN):
        return True
    if depth and isinstance(value, list):
        return all(_shallow(item, depth - 1) for item in value)
    if depth and isinstance(value, dict):
        return all(isinstance(key, int) and _shallow(item, depth - 1) for key, item in value.items())
    raise ClaimsRefused("a kind of CBOR value, or a depth, that this profile does not have")
