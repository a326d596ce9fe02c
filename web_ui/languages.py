"""Three languages: which one a browser gets, and the catalogues, compiled from their text form at each start."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache
from gettext import NullTranslations, translation
from importlib import resources
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import current_app, g, has_request_context, request, session
from flask_login import current_user

from device.api import SettingShown
from web_ui.house import house, place

NAMES = {"zh-CN": "简体中文", "zh-TW": "繁體中文", "en": "English"}
LOCALES = {"zh-CN": "zh_Hans_CN", "zh-TW": "zh_Hant_TW", "en": "en"}
SWITCH = "_language"
TRANSLATED = ("zh_Hans_CN", "zh_Hant_TW")
# What browsers call them (BCP 47).
SPOKEN = {
    "zh-cn": "zh-CN", "zh-hans": "zh-CN", "zh-sg": "zh-CN", "zh": "zh-CN",
    "zh-tw": "zh-TW", "zh-hant": "zh-TW", "zh-hk": "zh-TW", "zh-mo": "zh-TW", "en": "en",
}  # fmt: skip


def compiled(folder: Path) -> Path:
    """The catalogues as gettext reads them, written below `folder`."""
    for locale, name in itertools.product(TRANSLATED, ("messages", "settings")):
        source = resources.files("web_ui").joinpath("translations", locale, "LC_MESSAGES", f"{name}.po")
        target = folder / locale / "LC_MESSAGES" / f"{name}.mo"
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with source.open("rb") as text, target.open("wb") as binary:
            write_mo(binary, read_po(text, locale=locale))
    return folder


def meaning(setting: SettingShown) -> str:
    """What a setting means, in the reader's language; in the kiosk's English where nobody has translated it yet."""
    found = _meanings(current_app.config["BABEL_TRANSLATION_DIRECTORIES"], locale()).gettext(setting.name)
    return setting.meaning if found == setting.name else found


@cache
def _meanings(folder: str, chosen_locale: str) -> NullTranslations:
    return translation("settings", folder, [chosen_locale], fallback=True)


def only_switched() -> bool:
    """Whether a form came only because somebody chose another language beside it: what they typed is to be shown, not done."""
    return bool(g.get("only_switched", False))


def switch() -> None:
    """Before each request: a form that was sent by a button of another language chooses that language and does nothing else."""
    if request.method == "POST" and (wanted := request.form.get(SWITCH, "")) in NAMES:
        choose(wanted)
        g.only_switched = True


def choose(wanted: str) -> None:
    """Whoever is signed in keeps it in their account, everybody else for this session."""
    session["language"] = wanted
    if current_user.is_authenticated:
        account = current_user.account
        house().accounts.set_taste(account, wanted, account.theme)
        current_user.account = replace(account, language=wanted)  # the answer to this very request speaks it already


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
