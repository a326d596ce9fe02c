"""One spelling for each value, the same as RFC 8785's own; and nothing that could be read in two ways."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from device import messages
from device.messages import NotCanonical, jcs

KEYS = st.text(st.characters(max_codepoint=127), max_size=12)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INTEGERS = st.integers(-messages.MAX_SAFE_INTEGER, messages.MAX_SAFE_INTEGER)
VALUES = st.recursive(
    st.booleans() | INTEGERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
@example({"\x7f": "\x00\x1f\x7f\u2028\u2029\ufeff\U0001f600", "": [], "a": {}, "A": -1, '"': "\\/"})
@example([messages.MAX_SAFE_INTEGER, -messages.MAX_SAFE_INTEGER, True, False, 0])
def test_the_canonical_form_is_that_of_rfc_8785(value: Any) -> None:
    assert messages.canonical(value) == rfc8785.dumps(value)


@given(VALUES)
def test_what_is_written_reads_back_equal_and_writes_the_same_bytes_again(value: Any) -> None:
    written = messages.canonical(value)
    assert messages.parse(written) == value
    assert messages.canonical(messages.parse(written)) == written


def read_by_the_standard_library(text: bytes) -> Any:
    """What the strict reader says, or the class of its refusal."""
    try:
        return jcs._parse_any(text)
    except NotCanonical:
        return NotCanonical


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(WILD, st.sampled_from([None, 1]), st.booleans(), st.booleans())
def test_the_quick_reader_reads_nothing_that_the_strict_one_reads_otherwise(
    value: Any, indent: int | None, ascii_only: bool, ordered: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only, sort_keys=ordered, separators=(",", ":"))
    quick = jcs._parse_canonical(text.encode("utf-8", "surrogatepass"))
    assert quick is None or quick == read_by_the_standard_library(text.encode("utf-8"))


@pytest.mark.parametrize("text", [b'{"a":1,"a":1}', b"1.5", b'{"a":1.0}', b"[null]", b"-0", b"9007199254740993", b'["\\ud800"]'])
def test_the_quick_reader_leaves_to_the_strict_one_what_could_be_read_in_two_ways(text: bytes) -> None:
    assert jcs._parse_canonical(text) is None


@given(st.dictionaries(KEYS, INTEGERS, min_size=2), st.randoms(use_true_random=False))
def test_the_order_in_which_fields_were_set_does_not_matter(value: dict[str, int], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert messages.canonical(dict(items)) == messages.canonical(value)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        math.nan,
        math.inf,
        None,
        messages.MAX_SAFE_INTEGER + 1,
        -messages.MAX_SAFE_INTEGER - 1,
        {"ä": 1},
        {1: 1},
        {None: 1},
        "\ud800",
        "\udfff tail",
        b"bytes",
        {1, 2},
        object(),
    ],
    ids=repr,
)
def test_a_value_without_a_canonical_form_is_refused_however_deep_it_lies(value: Any) -> None:
    for nested in (value, [value], {"a": [{"b": value}]}):
        with pytest.raises(NotCanonical):
            messages.canonical(nested)


def test_the_refusal_names_the_place() -> None:
    with pytest.raises(NotCanonical, match=r"\$\.a\[1\]\.b"):
        messages.canonical({"a": [1, {"b": None}]})


@pytest.mark.parametrize(
    "text",
    [
        b"1.0",
        b"1e3",
        b"-0.0",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"null",
        b'{"a":null}',
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 5_000,
        b'{"a":1,"a":1}',
        b'{"o":{"a":1,"\\u0061":2}}',
        b'{"\xc3\xa4":1}',
        b'"\\ud800"',
        b'{"a":["\\udc00\\ud800"]}',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-32-le"),
        b"",
        b"{",
        b"{} {}",
        b"{'a':1}",
        b'"\x01"',
        b"[" * 100_000,
        b"[" * 20 + b"]" * 20,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_json_that_could_be_read_in_two_ways_is_refused(text: bytes) -> None:
    with pytest.raises(NotCanonical):
        messages.parse(text)


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | TEXTS
    | st.sampled_from(["null", "[{[", "]}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


@given(ANY_JSON, st.integers(0, 20))
def test_what_reads_and_what_writes_agree_on_which_values_there_are(value: Any, nested: int) -> None:
    """The reader checks as it goes, which is three times as quick; it must refuse exactly what the writer refuses."""
    for _ in range(nested):
        value = [value]
    text = json.dumps(value, ensure_ascii=False).encode()
    assert is_refused(lambda: messages.parse(text)) == is_refused(lambda: messages.canonical(value))


def is_refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except NotCanonical:
        return True
    return False


def test_nesting_is_allowed_to_the_limit_and_refused_beyond_it() -> None:
    def nested(depth: int) -> Any:
        return [nested(depth - 1)] if depth else 1

    assert messages.parse(json.dumps(nested(jcs.MAX_DEPTH)).encode()) == nested(jcs.MAX_DEPTH)
    for depth in (jcs.MAX_DEPTH + 1, 600):
        with pytest.raises(NotCanonical, match="nested"):
            messages.canonical(nested(depth))


@given(st.binary(max_size=60))
def test_random_bytes_are_a_value_or_a_refusal_never_another_error(noise: bytes) -> None:
    try:
        value = messages.parse(noise)
    except NotCanonical:
        return
    messages.canonical(value)
