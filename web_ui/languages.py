"""Three languages: which one a browser gets, and the catalogues, compiled from their text form at each start."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import has_request_context, request, session
from flask_login import current_user

from web_ui.house import place

NAMES = {"zh-CN": "简体中文", "zh-TW": "繁體中文", "en": "English"}
LOCALES = {"zh-CN": "zh_Hans_CN", "zh-TW": "zh_Hant_TW", "en": "en"}
TRANSLATED = ("zh_Hans_CN", "zh_Hant_TW")
# What browsers call them (BCP 47).
SPOKEN = {
    "zh-cn": "zh-CN", "zh-hans": "zh-CN", "zh-sg": "zh-CN", "zh": "zh-CN",
    "zh-tw": "zh-TW", "zh-hant": "zh-TW", "zh-hk": "zh-TW", "zh-mo": "zh-TW", "en": "en",
}  # fmt: skip


def compiled(folder: Path) -> Path:
    """The catalogues as gettext reads them, written below `folder`."""
    for locale in TRANSLATED:
        source = resources.files("web_ui").joinpath("translations", locale, "LC_MESSAGES", "messages.po")
        target = folder / locale / "LC_MESSAGES" / "messages.mo"
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with source.open("rb") as text, target.open("wb") as binary:
            write_mo(binary, read_po(text, locale=locale))
    return folder


def chosen() -> str:
    """The account's own language, the one picked before signing in, the browser's, or this place's."""
    if not has_request_context():
        return "en"
    if current_user and current_user.is_authenticated and current_user.account.language in NAMES:
        return str(current_user.account.language)
    if session.get("language") in NAMES:
        return str(session["language"])
    for tag, _ in request.accept_languages:
        parts = tag.lower().split("-")
        for length in range(len(parts), 0, -1):
            if found := SPOKEN.get("-".join(parts[:length])):
                return found
    return place().language


def locale() -> str:
    """The chosen language as Babel names it."""
    return LOCALES[chosen()]
