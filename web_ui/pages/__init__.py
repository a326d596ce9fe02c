"""The pages, one module each; every one is listed here, and every endpoint in them says who may open it."""

from web_ui.pages import (
    accounts,
    audit,
    backups,
    entrance,
    health,
    locks,
    me,
    people,
    privacy,
    punches,
    recognition,
    settings,
    setup,
    sync,
    today,
    ways,
)

PAGES = (
    entrance.pages,
    setup.pages,
    today.pages,
    ways.pages,
    people.pages,
    punches.pages,
    locks.pages,
    sync.pages,
    health.pages,
    recognition.pages,
    privacy.pages,
    accounts.pages,
    me.pages,
    audit.pages,
    settings.pages,
    backups.pages,
)
