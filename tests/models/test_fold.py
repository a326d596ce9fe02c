"""Folding is exact: every form gives the numbers of the plain one, and what it cannot fold it refuses."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest

from models import fold, heads, weights
from models.errors import FoldError
from models.fold import Form
from models.manifest import Manifest
from models.session import Session


@pytest.fixture(scope="module")
def published(weights_directory: Path, manifest: Manifest) -> bytes:
    return weights.read(weights_directory, manifest.entry("sface"))


@pytest.fixture(scope="module")
def plain(published: bytes) -> Session:
    return Session(fold.embedder(published))


@pytest.mark.parametrize("form", [form for form in Form if form is not Form.PRELU])
def test_each_form_of_prelu_gives_the_numbers_of_the_plain_graph(published: bytes, plain: Session, form: Form) -> None:
    graph = fold.embedder(published, form)
    assert "PRelu" not in {node.op_type for node in onnx.load_model_from_string(graph).graph.node}
    rewritten = Session(graph)
    for seed in range(3):
        chip = np.random.default_rng(seed).integers(0, 256, (1, 3, 112, 112)).astype(np.float32)
        expected, found = (opened.run(opened.outputs, {opened.inputs[0]: chip})[0] for opened in (plain, rewritten))
        assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()


def test_the_folded_graph_holds_no_quantised_weight_and_takes_one_picture(published: bytes) -> None:
    graph = onnx.load_model_from_string(fold.embedder(published)).graph
    assert "DequantizeLinear" not in {node.op_type for node in graph.node}
    assert [value.name for value in graph.input] == ["data"]


def test_the_detector_takes_pictures_of_any_size(ready: weights.Ready) -> None:
    opened = Session(ready.detector)
    for height, width in ((32, 32), (256, 320), (96, 640)):
        outputs = opened.run(["grid_8"], {"input": np.zeros((1, 3, height, width), np.float32)})
        assert outputs[0].shape == (1, heads.CHANNELS, height // 8, width // 8)


def test_heads_laid_side_by_side_give_the_numbers_of_the_published_ones(weights_directory: Path, manifest: Manifest) -> None:
    source = weights.read(weights_directory, manifest.entry("yunet"))
    published, merged = Session(fold.plain_detector(source)), Session(fold.detector(source))
    picture = np.random.default_rng(1).integers(0, 256, (1, 3, 96, 160)).astype(np.float32)
    expected = dict(zip(published.outputs, published.run(published.outputs, {"input": picture}), strict=True))
    for stride, grid in zip(heads.STRIDES, merged.run(merged.outputs, {"input": picture}), strict=True):
        rows = grid[0].reshape(heads.CHANNELS, -1).T
        rows[:, :2] = 1 / (1 + np.exp(-rows[:, :2]))
        together = np.concatenate([expected[f"{head}_{stride}"][0] for head in heads.HEADS], axis=1)
        assert np.abs(rows - together).max() < 1e-5


def test_a_graph_without_yunets_heads_is_not_taken_for_it(weights_directory: Path, manifest: Manifest) -> None:
    with pytest.raises(FoldError, match="not the weights that this version knows"):
        fold.detector(weights.read(weights_directory, manifest.entry("sface")))


def test_folding_twice_gives_the_same_bytes(published: bytes) -> None:
    digests = {hashlib.sha256(fold.embedder(published, Form.MAX)).hexdigest() for _ in range(2)}
    assert len(digests) == 1


def test_what_is_no_model_cannot_be_folded() -> None:
    with pytest.raises(FoldError):
        fold.embedder(b"this is no model")
