"""The kiosk's settings as the enterprise's policy changes them: its own configuration below, what the enterprise decided on top.

A setting that cannot be decided from afar, or a value that does not fit, is named and left as it was; the rest counts.
"""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device import config
from device.config import Config
from device.messages import Content, Problem

GOVERNED = frozenset({"attend", "recognition", "liveness", "journal", "people", "retention", "page", "updates", "ways"})
NEVER = frozenset({"attend.allow_simulated", "liveness.simulated"})  # what makes a demonstration is decided at the kiosk itself
RETENTION = {
    "records": "journal.keep_days",
    "templates": "retention.templates_days",
    "unrenewed": "retention.unrenewed_days",
    "left": "retention.left_days",
    "audit": "retention.audit_days",
}
MOST_LETTERS = 200
PUBLISHED = ("type", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "maxLength", "pattern", "description")


class Governed:
    """The settings in force. Safe to use from several threads; `changed` is called with each new configuration."""

    def __init__(self, own: Config, content: Content) -> None:
        self._own, self._lock = own, threading.Lock()
        self._now, _ = overlaid(own, content)
        self.changed: Callable[[Config], None] = lambda _: None

    @property
    def now(self) -> Config:
        """What counts at this moment."""
        return self._now

    def settle(self, content: Content) -> tuple[Problem, ...]:
        """Put what the enterprise decided into force; what could not be, and why."""
        with self._lock:
            self._now, problems = overlaid(self._own, content)
            self.changed(self._now)
        return problems


def overlaid(own: Config, content: Content) -> tuple[Config, tuple[Problem, ...]]:
    """The configuration with the content's policy and retention on top, and what of them was refused."""
    tree, problems = own.model_dump(), list[Problem]()
    wanted = [("policy", name, name, text) for name, text in sorted(content.policy.settings.items())]
    wanted += [("retention", name, RETENTION.get(name, ""), str(days)) for name, days in sorted(content.retention.days.items())]
    for section, item, name, text in wanted:
        try:
            tree = _changed(tree, name, text)
        except config.ConfigError as error:
            problems.append(Problem(section, item[:64], str(error)[:MOST_LETTERS]))
    return config.parse(tree), tuple(problems)


def _changed(tree: dict[str, Any], name: str, text: str) -> dict[str, Any]:
    """`tree` with one setting changed; ConfigError, and nothing changed, if it may not or cannot be."""
    section, _, field = name.partition(".")
    if section not in GOVERNED or name in NEVER or field not in tree.get(section, {}):
        raise config.ConfigError("not a setting that the enterprise can decide on this kiosk")
    try:
        written = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError as error:
        raise config.ConfigError("the value is not written as in config.toml") from error
    if set(written) != {"value"}:
        raise config.ConfigError("more than one value")
    changed = tree | {section: tree[section] | {field: written["value"]}}
    config.parse(changed)
    return changed


def published() -> dict[str, Any]:
    """The schema of the settings that the enterprise may decide, which its side holds a policy against before it signs one.

    It lies in device/schemas, since the enterprise's side knows no settings: `python -m device.policy` writes it anew.
    """
    sections = Config.model_json_schema()["$defs"]
    found = {
        f"{section}.{field}": {name: said[name] for name in PUBLISHED if name in said}
        for section, model in ((name, Config.model_fields[name].annotation) for name in sorted(GOVERNED))
        if model is not None
        for field, said in sections[model.__name__]["properties"].items()
        if f"{section}.{field}" not in NEVER
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "urn:daka:schema:v1:policy",
        "title": "Policy",
        "description": "The settings that the enterprise may decide for a kiosk, by name; a kiosk's own check says more of some.",
        "type": "object",
        "properties": found,
        "additionalProperties": False,
    }


if __name__ == "__main__":
    target = Path(__file__).parent / "schemas" / "policy.schema.json"
    target.write_text(json.dumps(published(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
