"""Settings as they are read: root's file, what the web UI may add, and what a membership says."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from device import membership
from device.config.section import ConfigError
from device.config.whole import Config
from device.sentences import say

# On an appliance from root's file alone: whom the kiosk believes and reaches, which files it opens, what locks its templates.
# Whoever takes the web daemon over would otherwise choose the server that records, templates and orders go to and come from.
WHOM_WE_REACH = ("host", "port", "ca", "certificate", "key", "server_key", "policy_key", "renew_url")
ROOTS = frozenset(
    {"models.directory", "device.unlock", "lock.grant_key", "web.certificate", "web.key"}
    | {f"uplink.{name}" for name in WHOM_WE_REACH}
)

BOUNDS = {"greater_than_equal": "ge", "greater_than": "gt", "less_than_equal": "le", "less_than": "lt"}  # pydantic's, by its name


def read(path: Path, layer: Path | None = None, joined: Path | None = None) -> Config:
    """The configuration in `path`; an absent file means every default. `layer` says what `path` leaves open, as far as it may.

    `joined` is the file of the membership, which says of the uplink what both leave open.
    """
    tree = tree_of(path)
    added = {} if layer is None else filling(tree, tree_of(layer))
    below = {} if joined is None else membership.settings(joined)
    try:
        return parse(filled(tree, {name: value for name, value in below.items() if not says(tree, name)} | added))
    except ConfigError as error:
        raise ConfigError(f"{path}{f' with {layer}' if added else ''}: {error}") from error


def tree_of(path: Path) -> dict[str, Any]:
    """What the file says, unchecked; nothing where there is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); make it readable for this user") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text; save it again as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error


def filling(tree: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """Name and value of what the layer may say: what `tree` leaves open and this version knows, and never what is root's.

    What an older version cannot read is left out, so that a release that is taken back starts with what a newer one wrote.
    """
    found = {f"{section}.{key}": value for section, keys in layer.items() if isinstance(keys, dict) for key, value in keys.items()}
    return {name: value for name, value in found.items() if not is_roots(tree, name) and _is_sound(name, value)}


def is_roots(tree: dict[str, Any], name: str) -> bool:
    """Whether an appliance takes this setting from root's own file alone: always, or because that file names it."""
    return name in ROOTS or says(tree, name)


def says(tree: dict[str, Any], name: str) -> bool:
    """Whether this file decides the setting."""
    section, key = name.split(".")
    here = tree.get(section, {})
    return not isinstance(here, dict) or key in here


def _is_sound(name: str, value: Any) -> bool:
    try:
        parse(filled({}, {name: value}))
    except ConfigError:
        return False
    return True


def filled(tree: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
    """The tree with these settings."""
    found = {section: dict(keys) if isinstance(keys, dict) else keys for section, keys in tree.items()}
    for name, value in added.items():
        section, key = name.split(".")
        found.setdefault(section, {})[key] = value
    return found


def parse(tree: dict[str, Any]) -> Config:
    """The configuration in a parsed TOML tree; ConfigError names each wrong key and value."""
    try:
        return Config.model_validate(tree, strict=True)
    except ValidationError as error:
        first, *more = (_sentence(problem) for problem in error.errors())
        raise ConfigError(functools.reduce(lambda first, rest: say("setting.both", first=first, rest=rest), more, first)) from error


def _sentence(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    kind, bounds, got = problem["type"], problem.get("ctx", {}), repr(problem["input"])
    if kind == "extra_forbidden":
        return say("setting.unknown", name=where)
    if kind in BOUNDS:
        return say(f"setting.{BOUNDS[kind]}", name=where, bound=bounds[BOUNDS[kind]], got=got)
    if kind == "literal_error":
        return say("setting.choice", name=where, choices=bounds["expected"], got=got)
    if kind == "string_pattern_mismatch":
        return say("setting.pattern", name=where, pattern=bounds["pattern"], got=got)
    if kind == "string_too_long":
        return say("setting.long", name=where, most=bounds["max_length"])
    why = bounds["error"] if kind == "value_error" else problem["msg"][0].lower() + problem["msg"][1:]
    return say("setting.wrong", name=where, why=why, got=got)


def settings() -> Iterator[tuple[str, Any, str]]:
    """Name, default and meaning of every setting, in order."""
    for section_name, section in Config.model_fields.items():
        assert isinstance(section.annotation, type)
        for name, field in section.annotation.model_fields.items():
            yield f"{section_name}.{name}", field.default, field.description or ""
