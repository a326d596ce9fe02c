"""What is loaded is what the manifest names, or nothing is; every kind of damage has its own sentence and its remedy."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from models import fetch, weights
from models.errors import WeightsDamaged, WeightsError, WeightsMissing
from models.landmarks import choice
from models.manifest import Manifest
from models.weights import State

NEEDED = ("yunet", "sface", "landmarker")
FOLDED = tuple(f"{weights.folded_name(name)}.folded.onnx" for name in ("yunet", "sface"))


@pytest.fixture
def copy(weights_directory: Path, manifest: Manifest, tmp_path: Path) -> Path:
    """A folder of its own with the recognition files."""
    names = [manifest.entry(name).file for name in NEEDED]
    for name in (*names, *FOLDED, weights.RECORD, choice.RECORD):
        shutil.copyfile(weights_directory / name, tmp_path / name)
    return tmp_path


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def one_byte_changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def one_byte_too_long(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def a_folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def test_whole_weights_come_with_the_digests_that_a_punch_names(copy: Path, manifest: Manifest) -> None:
    ready = weights.ready(copy, manifest)
    assert dict(ready.digests) == {
        name: hashlib.sha256((copy / manifest.entry(name).file).read_bytes()).hexdigest() for name in NEEDED
    }
    assert hashlib.sha256(ready.detector).hexdigest() == weights.read_record(copy).models[weights.folded_name("yunet")].sha256


@pytest.mark.parametrize(
    "file",
    [
        "face_detection_yunet_2023mar_int8bq.onnx",
        "face_recognition_sface_2021dec_int8bq.onnx",
        *FOLDED,
        "face_landmarker.task",
    ],
)
@pytest.mark.parametrize(
    ("damage", "kind", "sentence"),
    [
        (Path.unlink, WeightsMissing, "is missing"),
        (cut_short, WeightsDamaged, "is cut short: 1000 of"),
        (one_byte_changed, WeightsDamaged, "its SHA-256 is"),
        (one_byte_too_long, WeightsDamaged, "it is too long"),
        (a_folder_instead, WeightsDamaged, "cannot be read"),
    ],
)
def test_each_damage_is_named_with_the_file_and_the_command_that_mends_it(
    copy: Path, file: str, damage: Callable[[Path], None], kind: type[WeightsError], sentence: str
) -> None:
    damage(copy / file)
    with pytest.raises(kind) as caught:
        weights.ready(copy)
    assert str(copy / file) in str(caught.value)
    assert sentence in str(caught.value)
    assert f"run: daka models fetch --directory {copy}" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', "\udcff"])
def test_a_damaged_record_of_the_folding_is_named(copy: Path, text: str) -> None:
    (copy / weights.RECORD).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(WeightsDamaged, match=r"folded\.json cannot be read"):
        weights.ready(copy)


def test_weights_that_were_never_folded_are_said_to_be_so(copy: Path) -> None:
    (copy / weights.RECORD).unlink()
    with pytest.raises(WeightsMissing, match="not been folded yet"):
        weights.ready(copy)


def test_a_graph_that_was_folded_from_other_weights_is_refused(copy: Path) -> None:
    record = json.loads((copy / weights.RECORD).read_text())
    record["models"][weights.folded_name("sface")]["source_sha256"] = "0" * 64
    (copy / weights.RECORD).write_text(json.dumps(record))
    with pytest.raises(WeightsDamaged, match="does not tell of the sface"):
        weights.ready(copy)


def test_a_record_of_another_version_is_refused(copy: Path) -> None:
    record = json.loads((copy / weights.RECORD).read_text())
    (copy / weights.RECORD).write_text(json.dumps(record | {"version": 99}))
    with pytest.raises(WeightsDamaged, match="another version"):
        weights.ready(copy)


def test_a_damaged_folded_graph_is_folded_again_without_fetching_anything(
    copy: Path, manifest: Manifest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = weights.ready(copy, manifest).detector
    one_byte_changed(copy / FOLDED[0])
    only_detector = manifest.model_copy(update={"files": {name: manifest.entry(name) for name in NEEDED}})
    done = fetch.fetch(copy, manifest=only_detector, carried=tmp_path_factory.mktemp("empty"))
    assert done == fetch.Fetched(written=(), kept=NEEDED, folded=("yunet",))
    assert weights.ready(copy, manifest).detector == before


def test_what_an_earlier_version_folded_stays_for_the_way_back(copy: Path, manifest: Manifest) -> None:
    record = json.loads((copy / weights.RECORD).read_text())
    record["models"] = {name.replace(f"-{weights.FOLDING}", "-0"): folded for name, folded in record["models"].items()}
    (copy / weights.RECORD).write_text(json.dumps(record))
    with pytest.raises(WeightsDamaged, match="does not tell of the yunet"):
        weights.ready(copy)
    needed = manifest.model_copy(update={"files": {name: manifest.entry(name) for name in NEEDED}})
    fetch.fetch(copy, manifest=needed, carried=copy)
    assert {"yunet-0", "sface-0"} < set(weights.read_record(copy).models)
    weights.ready(copy)


def test_the_state_of_a_file_is_told_apart(copy: Path, manifest: Manifest) -> None:
    yunet, sface, landmarker = (manifest.entry(name) for name in NEEDED)
    (copy / landmarker.file).unlink()
    one_byte_changed(copy / sface.file)
    assert [weights.state(copy, entry) for entry in (yunet, sface, landmarker)] == [State.PRESENT, State.DAMAGED, State.MISSING]
