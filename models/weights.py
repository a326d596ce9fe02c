"""The files of the manifest as they lie in a folder, and the only way to their bytes.

Every digest is checked before anything is loaded, and what was checked is what is loaded: bytes, never a path to open again.
Never fetches, never writes, never repairs: each error names the file and the command that mends it.
"""

from __future__ import annotations

import enum
import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models import manifest as manifests
from models.errors import WeightsDamaged, WeightsMissing
from models.manifest import Calibration, Digest, Entry, FileName, Group, Manifest

DETECTOR, EMBEDDER, LANDMARKER = "yunet", "sface", "landmarker"  # names in the manifest
ANTISPOOFING = ("minifasnet_v2", "minifasnet_v1se")
RECORD = "folded.json"
RECORD_VERSION = 1
FOLDING = 2  # one higher when the folding changes; an earlier result stays, for the version that an update may go back to

_OPTION = {Group.CORE: "", Group.ANTISPOOF: " --with-antispoof", Group.SAMPLES: " --with-samples"}


class State(enum.StrEnum):
    """How a file lies there."""

    PRESENT = "present"
    MISSING = "missing"
    DAMAGED = "damaged"


class Folded(BaseModel):
    """One folded graph: what it was made from, in which form, and how long one run of each form took here (milliseconds)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: FileName
    sha256: Digest
    size: int = Field(gt=0)
    source_sha256: Digest
    form: str
    milliseconds: Mapping[str, float]


class Record(BaseModel):
    """`folded.json`: what the last fetch folded, on which processor and with which ONNX Runtime."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    runtime: str
    processor: str
    models: Mapping[str, Folded]


@dataclass(frozen=True, slots=True)
class Ready:
    """Verified and in memory. `digests`: SHA-256 of the published weights by name, for the record of a punch.

    `landmarker` is the whole `.task` bundle.
    """

    detector: bytes
    embedder: bytes
    landmarker: bytes
    digests: Mapping[str, str]
    calibration: Calibration | None
    antispoofing: tuple[bytes, bytes] | None = None


def ready(directory: Path, manifest: Manifest | None = None) -> Ready:
    """All that recognition needs from `directory`. Raises WeightsMissing or WeightsDamaged before anything is loaded."""
    known = manifest or manifests.load()
    entries = [known.entry(name) for name in (DETECTOR, EMBEDDER)]
    for entry in entries:
        read(directory, entry)
    detector, embedder = (read_folded(directory, entry) for entry in entries)
    landmarker = known.entry(LANDMARKER)
    bundle = read(directory, landmarker)
    digests = {entry.name: entry.sha256 for entry in (*entries, landmarker)}
    pair = _antispoofing(directory, known)
    return Ready(detector, embedder, bundle, MappingProxyType(digests), known.calibration, pair)


def _antispoofing(directory: Path, manifest: Manifest) -> tuple[bytes, bytes] | None:
    """The optional pair, or None where it was not fetched. A damaged file is an error: nobody falls back in silence."""
    entries = [manifest.files[name] for name in ANTISPOOFING if name in manifest.files]
    if len(entries) < len(ANTISPOOFING) or not any((directory / entry.file).exists() for entry in entries):
        return None
    first, second = (read(directory, entry) for entry in entries)
    return first, second


def read(directory: Path, entry: Entry) -> bytes:
    """The bytes of one file of the manifest, checked. Raises WeightsMissing or WeightsDamaged."""
    return _checked(directory / entry.file, entry.size, entry.sha256, mend(directory, entry.group))


def read_folded(directory: Path, entry: Entry) -> bytes:
    """The bytes of the plain ONNX graph folded from `entry`, checked against `folded.json` and the manifest."""
    mending = mend(directory)
    folded = read_record(directory).models.get(folded_name(entry.name))
    if folded is None or folded.source_sha256 != entry.sha256:
        raise WeightsDamaged(f"{directory / RECORD} does not tell of the {entry.name} that the manifest names; run: {mending}")
    return _checked(directory / folded.file, folded.size, folded.sha256, mending)


def folded_name(model: str) -> str:
    """What the graph that this version folds from `model` is called in the record, and in its file's name."""
    return f"{model}-{FOLDING}"


def read_record(directory: Path) -> Record:
    """What was folded here. Raises WeightsMissing or WeightsDamaged."""
    path, mending = directory / RECORD, mend(directory)
    try:
        record = Record.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise WeightsMissing(f"{path} is missing, so the weights have not been folded yet; run: {mending}") from error
    except (OSError, ValueError, ValidationError) as error:
        raise WeightsDamaged(f"{path} cannot be read; run: {mending}") from error
    if record.version != RECORD_VERSION:
        raise WeightsDamaged(f"{path} was written by another version of Daka; run: {mending}")
    return record


def state(directory: Path, entry: Entry) -> State:
    """How one file lies there, by its digest."""
    try:
        read(directory, entry)
    except WeightsMissing:
        return State.MISSING
    except WeightsDamaged:
        return State.DAMAGED
    return State.PRESENT


def mend(directory: Path, group: Group = Group.CORE) -> str:
    """The command that puts the files of this group right."""
    return f"daka models fetch --directory {shlex.quote(str(directory))}{_OPTION[group]}"


def _checked(path: Path, size: int, sha256: str, mending: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(size + 1)
    except FileNotFoundError as error:
        raise WeightsMissing(f"{path} is missing; run: {mending}") from error
    except OSError as error:
        raise WeightsDamaged(f"{path} cannot be read ({error.strerror}); run: {mending}") from error
    if len(data) < size:
        raise WeightsDamaged(f"{path} is cut short: {len(data)} of {size} bytes; run: {mending}")
    if len(data) > size or (found := hashlib.sha256(data).hexdigest()) != sha256:
        what = "it is too long" if len(data) > size else f"its SHA-256 is {found}"
        raise WeightsDamaged(f"{path} is not the file it should be ({what}, expected {sha256}); run: {mending}")
    return data
