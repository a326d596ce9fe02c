"""Everything that can go wrong in this room, by what the caller can do about it. Imports nothing."""

from __future__ import annotations


class ModelError(Exception):
    """Anything that the models can do to us; the text says what failed, why, and what to do."""


class BadInput(ModelError, ValueError):
    """The array that was handed in is not what the docstring asks for; the caller has to pass another."""


class ManifestError(ModelError):
    """`weights.toml` itself is wrong; it ships with Daka, so Daka has to be installed again or mended."""


class UnknownModel(ModelError):
    """A name that the manifest does not have; the text lists those that it has."""


class WeightsError(ModelError):
    """The files cannot be used as they lie there; `daka models fetch` mends each of these."""


class WeightsMissing(WeightsError):
    """A file is not there."""


class WeightsDamaged(WeightsError):
    """A file is there and is not what the manifest says: cut short, changed, or unreadable."""


class FetchFailed(ModelError):
    """No source gave the right bytes; the text lists each file, each source and why it failed."""


class FoldError(ModelError):
    """Weights with the right digest could not be turned into a graph that ONNX Runtime runs on this machine."""


class RuntimeUnfit(ModelError):
    """ONNX Runtime was loaded in a way that we do not allow, or failed; restarting the process is the way out."""
