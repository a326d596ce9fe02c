"""Canonical JSON (RFC 8785) for the values that a record may hold, and SHA-256 over it.

Keys are ASCII, numbers are integers within 2^53 - 1, and there is neither null nor float: on these values orjson's sorted JSON is
the canonical form (RFC 8785 sorts by UTF-16 code units, which for ASCII is the order of the bytes).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import orjson

from device.messages.errors import NotCanonical

MAX_SAFE_INTEGER = 2**53 - 1  # RFC 8259 section 6: beyond it, readers in other languages round
MAX_DEPTH = 16  # deeper than any message of ours; bounds the recursion on hostile input

LONGEST_INTEGER = len(str(-MAX_SAFE_INTEGER))
OPENING = b"[{"
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

SPELLING = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def canonical(value: Any) -> bytes:
    """The one spelling of `value` in UTF-8; NotCanonical names the path of what has none."""
    if not _is_fine(value, MAX_DEPTH):
        _check(value, "$", MAX_DEPTH)
    return spelled(value)


def spelled(value: Any) -> bytes:
    """As `canonical`, for a value that `parse` has just checked."""
    try:
        return orjson.dumps(value, option=SPELLING)
    except orjson.JSONEncodeError as error:  # of what `_check` lets through, this alone is left
        raise NotCanonical("text holds half of a surrogate pair; send valid Unicode") from error


def digest(canonical_bytes: bytes) -> bytes:
    """SHA-256, 32 raw bytes."""
    return hashlib.sha256(canonical_bytes).digest()


def parse(text: bytes) -> Any:
    """JSON in, value out; NotCanonical for anything that could be read in two ways or has no canonical form."""
    value = _parse_canonical(text)
    return _parse_any(text) if value is None else value


def _parse_canonical(text: bytes) -> Any | None:
    """The value of a text that is the canonical spelling of what it is read as: no key stands twice in it, for one would be gone.

    None for all else. What our own programs write comes this way, in half of the time.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if _is_fine(value, MAX_DEPTH) and orjson.dumps(value, option=SPELLING) == text else None


def _parse_any(text: bytes) -> Any:
    try:
        # decoded here: given bytes, json would also take UTF-16, UTF-32 and the UTF-8 of half a surrogate pair
        value = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_safe_integer,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except (ValueError, RecursionError) as error:
        raise NotCanonical(f"not JSON that Daka reads: {error}") from error
    if b"null" in text or _may_be_deep(text):  # all else that `_check` refuses has been refused above, in a third of the time
        _check(value, "$", MAX_DEPTH)
    if b"\\u" in text:  # the only way in for half of a surrogate pair
        canonical(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    if not "".join(found).isascii():
        raise ValueError("a key is not ASCII text")
    return found


def _safe_integer(text: str) -> int:
    value = int(text) if len(text) <= LONGEST_INTEGER else MAX_SAFE_INTEGER + 1
    if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        raise ValueError("integers end at 2^53 - 1")
    return value


def _may_be_deep(text: bytes) -> bool:
    """Whether values may nest deeper than the limit; brackets inside of strings count, so that a yes may be a no."""
    depth = 0
    for bracket in text.translate(None, NO_BRACKETS):
        depth += 1 if bracket in OPENING else -1
        if not 0 <= depth <= MAX_DEPTH:
            return True
    return False


def _no_float(text: str) -> Any:
    raise ValueError(f"{text[:20]} is not an integer; records hold no floating point numbers")


def _is_fine(value: Any, depth: int) -> bool:
    """Whether `_check` would find nothing, for plain types, in a fifth of its time; a no is looked at again, and named."""
    if value.__class__ is dict:
        try:
            if not "".join(value).isascii():
                return False
        except TypeError:
            return False  # a key is no text
        items: Iterable[Any] = value.values()
    elif value.__class__ is list:
        items = value
    else:
        return False
    for item in items:
        kind = item.__class__
        if kind is str or kind is bool:
            continue
        if kind is int:
            if not -MAX_SAFE_INTEGER <= item <= MAX_SAFE_INTEGER:
                return False
        elif not isinstance(item, str) and (depth < 2 or not _is_fine(item, depth - 1)):  # str again: enumerations
            return False
    return True


def _check(value: Any, path: str, depth: int) -> None:
    if isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise NotCanonical(f"{path}: integers end at 2^53 - 1")
        return
    if depth == 0:
        raise NotCanonical(f"{path}: nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise NotCanonical(f"{path}: key {key!r} is not ASCII text")
            _check(item, f"{path}.{key}", depth - 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check(item, f"{path}[{index}]", depth - 1)
    else:
        raise NotCanonical(f"{path}: {type(value).__name__} has no place in a record")
