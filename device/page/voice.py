"""The kiosk's own voice, for browsers that have none: espeak-ng, where it is installed. It opens no sound device: what it says is
made into a sound here, and the page plays it.

Says only sentences of the page's own, with numbers where they have gaps: never a name and never a text that came from anywhere.
"""

from __future__ import annotations

import logging
import re
import shutil
import struct
import subprocess
from collections.abc import Callable, Mapping

from device.page import words

log = logging.getLogger(__name__)

PROGRAM = "espeak-ng"
LONGEST_S = 5.0
MOST_DIGITS = 6
# Not `cmn`: that voice of espeak-ng 1.51 (Debian 12) reads the pinyin of most characters as if it were English.
VOICES = {"zh-CN": "cmn-latn-pinyin", "zh-TW": "cmn-latn-pinyin", "en": "en"}
HEADER_BYTES = 44  # of a WAV file as espeak-ng writes it


class Voice:
    """Makes the sound of a sentence."""

    def __init__(self, find: Callable[[str], str | None] = shutil.which) -> None:
        self.is_there = find(PROGRAM) is not None

    def said(self, name: str, language: str, values: Mapping[str, str]) -> bytes:
        """The sentence as a WAV file; empty if there is no such sentence, a gap stays open, or nobody can say it."""
        sentence = _sentence(name, language, values)
        if not self.is_there or not sentence:
            return b""
        command = (PROGRAM, "-v", VOICES[language], "--stdout", "--", sentence)
        try:
            done = subprocess.run(command, check=True, timeout=LONGEST_S, stdin=subprocess.DEVNULL, capture_output=True)
        except (OSError, subprocess.SubprocessError) as error:
            log.warning("%s does not speak: %s", PROGRAM, error)
            return b""
        return _with_lengths(done.stdout)


def _sentence(name: str, language: str, values: Mapping[str, str]) -> str:
    if language not in VOICES or not all(
        value.isascii() and value.isdecimal() and len(value) <= MOST_DIGITS for value in values.values()
    ):
        return ""
    filled = re.sub(r"\{(\w+)\}", lambda gap: values.get(gap[1], gap[0]), words.catalogue(language).get(name, ""))
    return "" if "{" in filled else filled


def _with_lengths(sound: bytes) -> bytes:
    """Into a pipe espeak-ng writes the greatest lengths there are, since it knows none yet."""
    if len(sound) <= HEADER_BYTES:
        return b""
    length = len(sound) - HEADER_BYTES
    return sound[:4] + struct.pack("<I", length + 36) + sound[8:40] + struct.pack("<I", length) + sound[HEADER_BYTES:]
