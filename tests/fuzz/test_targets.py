"""Noise, and valid messages with something changed, at every way in: used whole or refused by name."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import targets

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
TARGETS = targets.targets()
PIECES = st.binary(max_size=12) | st.sampled_from(
    [b"null", b"1e9", b'"', b"{", b"]", b"\\ud800", b"\xff\xfe", b"-1", b"9" * 20, b"true", b'"x":', b",", b"\r\n", b"\0"]
)


@st.composite
def nearly_valid(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A valid message in which up to three stretches are replaced, cut out or doubled."""
    found = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(0, max(len(found) - 1, 0)))
        last = min(len(found), first + draw(st.integers(0, 40)))
        found[first:last] = draw(PIECES | st.just(bytes(found[first:last] * 2)))
    return bytes(found)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_noise_is_refused_by_name(target: targets.Target) -> None:
    @QUICK
    @given(st.binary(max_size=200))
    def feed(data: bytes) -> None:
        target.feed(data)

    feed()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_valid_message_with_something_changed_is_used_whole_or_refused_by_name(target: targets.Target) -> None:
    @QUICK
    @given(nearly_valid(tuple(target.seeds)))
    def feed(data: bytes) -> None:
        target.feed(data)

    feed()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_a_fuzzer_starts_from_is_valid(target: targets.Target) -> None:
    """Or it would never come past the first check."""
    for seed in target.seeds:
        target.feed(seed)
