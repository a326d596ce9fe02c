"""The consent texts as shipped: version, language and the hash of exactly what is shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

CURRENT_VERSION = "1"
LANGUAGES = ("zh-CN", "zh-TW", "en")


@dataclass(frozen=True, slots=True)
class Text:
    """One text in one language; `sha256` (lowercase hex) is over its UTF-8 bytes."""

    version: str
    language: str
    words: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.words.encode("utf-8")).hexdigest()


def text(language: str) -> Text:
    """The current text in `language`; KeyError for a language that there is none in."""
    if language not in LANGUAGES:
        raise KeyError(f"no consent text in {language}; there is {', '.join(LANGUAGES)}")
    file = resources.files("device").joinpath("texts", f"consent-{CURRENT_VERSION}.{language}.txt")
    return Text(CURRENT_VERSION, language, file.read_text(encoding="utf-8"))
