"""Consent texts: what a person is shown, in which version and language, and the hash of exactly that.

The texts as shipped are the first version; the enterprise may publish its own (device.people.consents keeps them).
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources

CURRENT_VERSION = "1"
LANGUAGES = ("zh-CN", "zh-TW", "en")
NAMING = {
    "en": "The template also goes, encrypted, to these terminals of the site, and to no others: {}.",
    "zh-CN": "该模板还会加密传送到本场所的以下终端，不会传送到其他任何终端：{}。",
    "zh-TW": "該範本還會加密傳送到本場所的以下終端機，不會傳送到其他任何終端機：{}。",
}


class Purpose(enum.StrEnum):
    """What a person agrees to; each has a text and a consent of its own."""

    FACE_RECOGNITION = "face_recognition"  # a template that kiosks keep
    FACE_CARD = "face_card"  # a template that the person carries, kept by no kiosk


@dataclass(frozen=True, slots=True)
class Text:
    """One text in one language; `sha256` (lowercase hex) is over its UTF-8 bytes."""

    version: str
    language: str
    words: str
    purpose: Purpose = Purpose.FACE_RECOGNITION

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.words.encode("utf-8")).hexdigest()

    def naming(self, kiosks: Sequence[str]) -> Text:
        """The same text, that also names the other kiosks to which a template goes."""
        if not kiosks or self.purpose is not Purpose.FACE_RECOGNITION:
            return self
        return replace(self, words=f"{self.words.rstrip()}\n\n{NAMING[self.language].format(', '.join(kiosks))}\n")


def text(language: str, purpose: Purpose = Purpose.FACE_RECOGNITION) -> Text:
    """The text as shipped in `language`; KeyError for a language that there is none in."""
    if language not in LANGUAGES:
        raise KeyError(f"no consent text in {language}; there is {', '.join(LANGUAGES)}")
    file = resources.files("device").joinpath("texts", f"consent-{purpose}-{CURRENT_VERSION}.{language}.txt")
    return Text(CURRENT_VERSION, language, file.read_text(encoding="utf-8"), purpose)
