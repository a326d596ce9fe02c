"""The manifest: complete, and refused whole when anything in it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from models import manifest as manifests
from models.errors import ManifestError, ModelError, UnknownModel
from models.manifest import Group, Manifest

GOOD = """
version = 1
[archives."thing-1.0-py3-none-any.whl"]
pypi = "thing==1.0"
sha256 = "{digest}"
size = 10
[files.thing]
file = "thing.onnx"
group = "core"
sha256 = "{digest}"
size = 10
licence = "MIT"
author = "somebody"
input = "a picture"
output = "a number"
sources = [{{ from = "pypi:thing==1.0!thing/thing.onnx", archive = "thing-1.0-py3-none-any.whl" }}]
""".format(digest="0" * 64)


def written(folder: Path, text: str) -> Path:
    path = folder / "weights.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_file_has_a_licence_an_author_a_digest_and_a_source(manifest: Manifest) -> None:
    assert {entry.group for entry in manifest.files.values()} == set(Group)
    for entry in manifest.files.values():
        assert all((entry.licence, entry.author, entry.sources)), entry.name
        assert len(entry.sha256) == 64


def test_the_model_card_names_every_model_with_its_digest(manifest: Manifest) -> None:
    card = manifests.SHIPPED.with_name("MODEL_CARD.md").read_text(encoding="utf-8")
    for entry in manifest.of_groups(frozenset({Group.CORE, Group.ANTISPOOF})):
        assert entry.file in card
        assert entry.sha256[:16] in card
        assert entry.licence in card


def test_a_manifest_as_it_should_be_is_read(tmp_path: Path) -> None:
    assert manifests.load(written(tmp_path, GOOD)).entry("thing").sources[0].member == "thing/thing.onnx"


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ('file = "thing.onnx"', 'file = "../thing.onnx"', "files.thing.file"),
        ('file = "thing.onnx"', 'file = "/etc/passwd"', "files.thing.file"),
        ('file = "thing.onnx"', 'file = ".."', "files.thing.file"),
        ("!thing/thing.onnx", "!../../etc/passwd", "leaves its archive"),
        ("!thing/thing.onnx", "!/etc/passwd", "leaves its archive"),
        ("!thing/thing.onnx", "!thing\\\\..\\\\x", "leaves its archive"),
        ("pypi:thing==1.0!thing/thing.onnx", "http://example.org/thing.onnx", "https"),
        ("pypi:thing==1.0!thing/thing.onnx", "pypi:thing!thing.onnx", "PROJECT==VERSION"),
        ("pypi:thing==1.0!thing", "pypi:other==1.0!thing", "does not fit"),
        ('archive = "thing-1.0-py3-none-any.whl" }', 'archive = "none.whl" }', "does not fit"),
        (f'sha256 = "{"0" * 64}"', 'sha256 = "short"', "sha256"),
        ('group = "core"', 'group = "other"', "files.thing.group"),
        ('licence = "MIT"', "", "files.thing.licence"),
        ('input = "a picture"', "", "needs `input`"),
        ("version = 1", "version = 2", "version"),
        ("size = 10", "sise = 10", "sise|size"),
        ("version = 1", "version = ", "cannot be read"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_and_the_place_is_named(tmp_path: Path, right: str, wrong: str, place: str) -> None:
    assert right in GOOD
    with pytest.raises(ManifestError, match=place):
        manifests.load(written(tmp_path, GOOD.replace(right, wrong)))


def test_an_unknown_name_is_answered_with_the_known_ones(manifest: Manifest) -> None:
    with pytest.raises(UnknownModel, match=r"'yunett'.*yunet, sface, landmarker"):
        manifest.entry("yunett")


def test_a_threshold_is_known_only_for_a_rate_that_was_measured(manifest: Manifest) -> None:
    calibration = manifest.calibration
    assert calibration is not None
    assert [calibration.threshold(rate) for rate in (1e-3, 1e-4, 1e-5)] == [0.363, 0.4245, 0.4913]
    assert calibration.threshold(5e-4) == 0.4245
    assert (calibration.one_to_one, calibration.one_to_many) == (0.45, 0.50)
    with pytest.raises(ModelError, match="1e-05"):
        calibration.threshold(1e-6)


def test_a_stricter_rate_never_has_a_lower_threshold(manifest: Manifest) -> None:
    assert manifest.calibration is not None
    points = sorted(manifest.calibration.points, key=lambda point: point.false_match_rate)
    assert [point.threshold for point in points] == sorted((point.threshold for point in points), reverse=True)
