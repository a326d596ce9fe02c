"""The page's own files: light, whole, and nobody else's."""

from __future__ import annotations

import re

import pytest

from device.page import shell
from device.page.shell import Asset

MOST_BYTES = 300_000


@pytest.fixture(scope="module")
def assets() -> dict[str, Asset]:
    return {asset.path: asset for asset in shell.load().assets}


def test_the_page_weighs_less_than_300_kb(assets: dict[str, Asset]) -> None:
    assert sum(len(asset.content) for asset in assets.values()) < MOST_BYTES


def test_nothing_is_fetched_from_another_host(assets: dict[str, Asset]) -> None:
    for asset in assets.values():
        found = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", asset.content.decode("utf-8")))
        assert found <= {"http://www.w3.org"}, asset.path  # the name of SVG, which nobody fetches


def test_no_script_and_no_style_stands_in_the_document(assets: dict[str, Asset]) -> None:
    document = assets["/"].content.decode("utf-8")
    assert not re.findall(r"<script(?![^>]*\bsrc=)", document)
    assert "<style" not in document
    assert not re.findall(r"\s(?:style|on[a-z]+)=", document)
    assert "innerHTML" not in "".join(asset.content.decode("utf-8") for asset in assets.values())


def test_what_the_document_and_the_scripts_name_is_there(assets: dict[str, Asset]) -> None:
    for asset in assets.values():
        text = asset.content.decode("utf-8")
        named = re.findall(r"(?:from|src=|href=)\s*\"(\.?/[\w.]+)\"", text)
        assert {name.removeprefix(".") for name in named} <= set(assets), asset.path


def test_the_service_worker_keeps_every_file_but_itself(assets: dict[str, Asset]) -> None:
    worker = assets["/sw.js"].content.decode("utf-8")
    listed = re.search(r"FILES = \[(.*?)\]", worker, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"\"(/[\w.]*)\"", listed[1])) == set(assets) - {"/sw.js"}


def test_another_file_is_another_version(assets: dict[str, Asset]) -> None:
    assert shell.load().version == shell.load().version
    changed = [Asset(asset.path, asset.kind, asset.content + b" ") for asset in assets.values()]
    assert shell._version(changed, "") != shell._version(list(assets.values()), "")
