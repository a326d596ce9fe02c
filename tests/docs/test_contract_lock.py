"""The profile's page says what the code does: its tables and its diagram are made from it."""

from __future__ import annotations

import re

from device.messages import lock as papers
from firmware_bridge import profile
from firmware_bridge.link.radio import Patience
from firmware_bridge.protocol import frames
from firmware_bridge.protocol.lock import PRESS_WITHIN_MS
from tests.docs import contract_lock

TEXT = contract_lock.PAGE.read_text("utf-8")


def test_every_table_and_the_diagram_are_what_the_code_says() -> None:
    assert contract_lock.filled(TEXT) == TEXT, "run: python -m tests.docs.contract_lock"
    for name in contract_lock.MADE:
        assert f"<!-- end of {name} -->" in TEXT


def test_the_times_and_sizes_of_the_page_are_those_of_the_code() -> None:
    patience = Patience()
    for sentence in (
        f"{PRESS_WITHIN_MS // 1000} s for the press",
        f"{patience.operation:.0f} s for one write or one answer",
        f"{patience.connect:.0f} s to connect",
        f"{patience.tries} tries",
        f"{frames.MOST_MESSAGE_BYTES} bytes at most",
        f"{profile.MOST_FRAME_BYTES} bytes",
        f"{profile.IDLE.seconds} s of silence",
        f"{papers.MOST_OFFLINE_S // 3600} hours",
    ):
        assert sentence in TEXT, sentence


def test_the_page_names_no_file_that_is_not_there() -> None:
    for name in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (contract_lock.PAGE.parent / name).exists(), name
