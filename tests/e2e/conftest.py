"""One undisturbed demonstration for all tests that only look at it."""

from __future__ import annotations

import pytest

from tests.e2e.play import Performance, demonstration


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Performance:
    """A finished demonstration in a kept folder."""
    performance = demonstration(tmp_path_factory.mktemp("demo"))
    assert performance.result, performance.said
    return performance
