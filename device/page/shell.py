"""The page's own files, read once: nothing of anybody is in them, and nothing in them comes from another host."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

from flask import Response

from device.page import words
from device.page.application import PageRoute, Role

KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "json": "application/json", "svg": "image/svg+xml"}
DOCUMENT = "page.html"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page."""

    path: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Shell:
    """All files, and a version that changes with any of them."""

    assets: tuple[Asset, ...]
    version: str

    def routes(self) -> tuple[PageRoute, ...]:
        """One route a file; the document is at the root."""
        return tuple(PageRoute("GET", asset.path, Role.SHELL, _answer(asset)) for asset in self.assets)


def load() -> Shell:
    """The files as installed, and the sentences in every language."""
    folder = resources.files("device.page").joinpath("assets")
    assets = [_asset(entry.name, entry.read_bytes()) for entry in folder.iterdir() if entry.name.rpartition(".")[2] in KINDS]
    languages = {language: words.catalogue(language) for language in words.LANGUAGES}
    version = _version(assets, json.dumps(languages, sort_keys=True))
    catalogue = json.dumps({"version": version, "languages": languages}, ensure_ascii=False)
    assets.append(Asset("/words.json", KINDS["json"], catalogue.encode("utf-8")))
    return Shell(tuple(assets), version)


def _version(assets: list[Asset], catalogue: str) -> str:
    digest = hashlib.sha256(catalogue.encode("utf-8"))
    for asset in sorted(assets, key=lambda asset: asset.path):
        digest.update(asset.path.encode("utf-8") + b"\0" + asset.content)
    return digest.hexdigest()[:16]


def _asset(name: str, content: bytes) -> Asset:
    return Asset("/" if name == DOCUMENT else f"/{name}", KINDS[name.rpartition(".")[2]], content)


def _answer(asset: Asset) -> Callable[[], Response]:
    return lambda: Response(asset.content, mimetype=asset.kind)
