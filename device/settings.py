"""Settings as somebody changes them: all or none, checked as the daemon will check them, the file's comments kept.

On an appliance the settings file is root's and no daemon can write it; what the web UI sets goes into a layer of the kiosk daemon's
own, which says only what root's file leaves open.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from device import api, config, database
from device.sentences import say


class SettingsRefused(config.ConfigError):
    """No setting was changed; the message says which one cannot be, and why."""


def shown(path: Path, layer: Path | None = None, joined: Path | None = None) -> tuple[api.SettingShown, ...]:
    """Every setting with its value in the files, in order."""
    chosen, tree = config.read(path, layer, joined), config.tree_of(path)
    return tuple(
        _shown(name, default, meaning, chosen, by_root=layer is not None and config.is_roots(tree, name))
        for name, default, meaning in config.settings()
    )


def _shown(name: str, default: Any, meaning: str, chosen: config.Config, *, by_root: bool) -> api.SettingShown:
    field = _field(name)
    lows = [bound.ge if isinstance(bound, annotated_types.Ge) else bound.gt for bound in field.metadata if _is_low(bound)]
    highs = [bound.le if isinstance(bound, annotated_types.Le) else bound.lt for bound in field.metadata if _is_high(bound)]
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    return api.SettingShown(name, value_of(chosen, name), default, meaning, _number(lows), _number(highs), choices, by_root)


def _is_low(bound: object) -> bool:
    return isinstance(bound, annotated_types.Ge | annotated_types.Gt)


def _is_high(bound: object) -> bool:
    return isinstance(bound, annotated_types.Le | annotated_types.Lt)


def _number(bounds: list[Any]) -> float | None:
    return float(bounds[0]) if bounds else None


def _field(name: str) -> FieldInfo:
    section, key = name.split(".")
    annotation = config.Config.model_fields[section].annotation
    assert isinstance(annotation, type)
    assert issubclass(annotation, config.Section)
    return annotation.model_fields[key]


def value_of(chosen: config.Config, name: str) -> Any:
    """The value of `section.key`."""
    section, key = name.split(".")
    return getattr(getattr(chosen, section), key)


def change(
    path: Path, changes: Mapping[str, Any], layer: Path | None = None, joined: Path | None = None
) -> dict[str, tuple[Any, Any]]:
    """Write these settings; what each was and became, without those that stay. SettingsRefused, and nothing written, otherwise.

    Where there is a layer they go into it, for every daemon to read, and what is root's is refused.
    """
    target = layer or path
    before, text = config.read(path, layer, joined), _text(target)
    known = {name for name, _, _ in config.settings()}
    if unknown := sorted(set(changes) - known):
        raise SettingsRefused(say("setting.unknown", name=unknown[0]))
    differing = {name: value for name, value in changes.items() if value_of(before, name) != value}
    own = {} if layer is None else config.tree_of(path)
    for name, value in differing.items():
        if layer is not None and config.is_roots(own, name):
            raise SettingsRefused(say("setting.roots", name=name, path=path))
        text = edited(text, name, value)
    after = _checked(text) if layer is None else _checked_layer(own, text, differing)
    if any(value_of(after, name) != value for name, value in differing.items()):
        raise SettingsRefused(say("setting.by_hand", file=target.name))
    if differing:
        _write(target, text, 0o600 if layer is None else 0o644)
    return {name: (value_of(before, name), value) for name, value in differing.items()}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _checked(text: str) -> config.Config:
    try:
        return config.parse(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, config.ConfigError) as error:
        raise SettingsRefused(str(error)) from error


def _checked_layer(own: dict[str, Any], text: str, differing: dict[str, Any]) -> config.Config:
    """What would hold with this layer; what is wrong with one of the changes is said, not left out as at a start."""
    try:
        held = config.filling(own, tomllib.loads(text))
        config.parse(config.filled(own, held | differing))
        return config.parse(config.filled(own, held))
    except (tomllib.TOMLDecodeError, config.ConfigError) as error:
        raise SettingsRefused(str(error)) from error


def left_out(path: Path, layer: Path) -> list[str]:
    """Names in the layer that do not count."""
    tree = config.tree_of(layer)
    held = config.filling(config.tree_of(path), tree)
    said = [f"{section}.{key}" for section, keys in tree.items() if isinstance(keys, dict) for key in keys]
    return [name for name in said if name not in held]


def whole_text(path: Path, layer: Path | None) -> str:
    """What holds, as one file would say it: root's text, or with what a layer adds the settings alone, whatever style root writes.

    SettingsRefused where no kiosk would start with it.
    """
    tree = config.tree_of(path)
    added = config.filling(tree, config.tree_of(layer) if layer else {})
    text = written(config.filled(tree, added)) if added else _text(path)
    _checked(text)
    return text


def put_back(text: str, path: Path, layer: Path | None) -> None:
    """A whole file's text in the place of the settings; where they are root's, the layer takes what it may say."""
    if layer is None:
        _write(path, text, 0o600)
        return
    _write(layer, written(config.filled({}, config.filling({}, tomllib.loads(text)))), 0o644)


def written(tree: Mapping[str, Any]) -> str:
    """Settings as TOML: sections of scalars, and JSON's scalars are TOML's."""
    lines = (
        line
        for section, keys in tree.items()
        for line in (f"[{section}]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items()), "")
    )
    return "\n".join(lines)


def edited(text: str, name: str, value: Any) -> str:
    """The TOML text with one scalar set; lines that say something else stay as they are."""
    section, key = name.split(".")
    lines = text.splitlines()
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}"  # JSON's scalars are TOML's
    starts = [place for place, old in enumerate(lines) if re.match(rf"\s*\[\s*{section}\s*\]\s*(#.*)?$", old)]
    if not starts:
        return "\n".join([*lines, *([""] if lines else []), f"[{section}]", line, ""])
    end = next((place for place in range(starts[0] + 1, len(lines)) if lines[place].lstrip().startswith("[")), len(lines))
    for place in range(starts[0] + 1, end):
        if re.match(rf"\s*{key}\s*=", lines[place]):
            lines[place] = line
            return "\n".join([*lines, ""])
    return "\n".join([*lines[: starts[0] + 1], line, *lines[starts[0] + 1 :], ""])


def _write(path: Path, text: str, mode: int) -> None:
    """Whole or not at all: a power cut leaves the old file or the new one. `mode`: of a file that was not there yet.

    One that was there keeps its mode and owner: every daemon reads what root writes here.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            _like(path, file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        database.sync_folder(path.parent)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise database.translated(path, error) from error


def _like(path: Path, descriptor: int, mode: int) -> None:
    old = path.stat() if path.exists() else None
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode) if old else mode)
    if old and (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
        os.fchown(descriptor, old.st_uid, old.st_gid)
