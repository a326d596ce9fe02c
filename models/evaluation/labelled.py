"""A folder with one folder per person, the pairs to compare and the subgroups, read and checked against each other.

Reads names and tables only, never a picture. A table that does not fit the folder is refused with the line that is wrong.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.evaluation.errors import BadFolder, BadTable

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
UNLABELLED = "no label"

Numbers = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Picture:
    """One file and the number of the person whose folder it lies in."""

    path: Path
    person: int


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """`pictures` are sorted by person; `persons` are folder names; `ignored` counts files that are not JPEG or PNG."""

    folder: Path
    persons: tuple[str, ...]
    pictures: tuple[Picture, ...]
    ignored: int

    def name(self, number: int) -> str:
        """`person/file` of one picture, as a table of pairs writes it."""
        return self.pictures[number].path.relative_to(self.folder).as_posix()


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Which pictures to compare: numbers of pictures, (n,) each, and whether they show the same person, (n,) bool."""

    left: Numbers
    right: Numbers
    same: NDArray[np.bool_]


def read_folder(folder: Path) -> LabelledSet:
    """Every JPEG and PNG one level down; hidden names are passed over. Raises BadFolder."""
    if not folder.is_dir():
        raise BadFolder(f"{folder} is not a folder; name one that has a folder of photographs per person")
    files: dict[str, list[Path]] = {}
    ignored = 0
    try:
        for place in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
            inside = sorted(path for path in place.iterdir() if path.is_file() and not path.name.startswith("."))
            files[place.name] = [path for path in inside if path.suffix.lower() in SUFFIXES]
            ignored += len(inside) - len(files[place.name])
    except OSError as error:
        raise BadFolder(f"{folder} cannot be read ({error.strerror}); check its permissions") from error
    persons = tuple(name for name, found in files.items() if found)
    if not persons:
        raise BadFolder(f"{folder} has no photographs; expected {folder / 'PERSON' / 'PHOTOGRAPH.jpg'} (or .jpeg, .png)")
    pictures = tuple(Picture(path, number) for number, name in enumerate(persons) for path in files[name])
    return LabelledSet(folder, persons, pictures, ignored)


def read_pairs(file: Path, labelled: LabelledSet) -> tuple[LabelledSet, Pairs]:
    """The pairs of a `same,left,right` table, and the set without the pictures that no pair names. Raises BadTable."""
    numbers = {labelled.name(number): number for number in range(len(labelled.pictures))}
    rows: dict[tuple[int, int], bool] = {}
    for line, row in _rows(file, ("same", "left", "right")):
        try:
            left, right = sorted((numbers[row["left"]], numbers[row["right"]]))
        except KeyError as error:
            raise BadTable(f"{file}, line {line}: there is no photograph {error.args[0]!r} in {labelled.folder}") from error
        same = _same(file, line, row["same"])
        _check_pair(f"{file}, line {line}", (left, right), same, labelled, rows)
        rows[left, right] = same
    if not rows:
        raise BadTable(f"{file} has no pairs below its header")
    kept = sorted({number for pair in rows for number in pair})
    renumbered = {old: new for new, old in enumerate(kept)}
    smaller = LabelledSet(labelled.folder, labelled.persons, tuple(labelled.pictures[number] for number in kept), labelled.ignored)
    sides = np.array([(renumbered[left], renumbered[right]) for left, right in rows], dtype=np.int32)
    return smaller, Pairs(sides[:, 0], sides[:, 1], np.array(list(rows.values()), dtype=np.bool_))


def read_groups(file: Path, labelled: LabelledSet) -> tuple[str, ...]:
    """The subgroup of each person from a `person,subgroup` table; people whom it leaves out get `no label`. Raises BadTable."""
    groups: dict[str, str] = {}
    for line, row in _rows(file, ("person", "subgroup")):
        person, group = row["person"], row["subgroup"]
        if person not in labelled.persons:
            raise BadTable(f"{file}, line {line}: {labelled.folder} has no photographs of a person {person!r}")
        if not group:
            raise BadTable(f"{file}, line {line}: the subgroup of {person!r} is empty; leave the line out if it is not known")
        if groups.setdefault(person, group) != group:
            raise BadTable(f"{file}, line {line}: {person!r} is in {groups[person]!r} and in {group!r}; a person has one subgroup")
    if not groups:
        raise BadTable(f"{file} has no people below its header")
    return tuple(groups.get(person, UNLABELLED) for person in labelled.persons)


def _same(file: Path, line: int, value: str) -> bool:
    if value not in ("0", "1"):
        raise BadTable(f"{file}, line {line}: `same` must be 1 (one person) or 0 (two people), not {value!r}")
    return value == "1"


def _check_pair(
    where: str, pair: tuple[int, int], same: bool, labelled: LabelledSet, known: Mapping[tuple[int, int], bool]
) -> None:
    left, right = pair
    if left == right:
        raise BadTable(f"{where}: a photograph is compared with itself")
    if pair in known:
        raise BadTable(f"{where}: this pair stands in the table before; counted twice it would make the limits too narrow")
    if same != (labelled.pictures[left].person == labelled.pictures[right].person):
        raise BadTable(f"{where}: `same` is {int(same)}, but the folders say otherwise; correct one of the two")


def _rows(file: Path, header: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and fields of each row that is not empty. Raises BadTable."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, strict=True)
            first = [field.strip() for field in next(reader, [])]
            if first != list(header):
                raise BadTable(f"{file} must begin with the line {','.join(header)}, not {','.join(first)!r}")
            for fields in reader:
                if len(fields) not in (0, len(header)):
                    raise BadTable(f"{file}, line {reader.line_num}: expected {len(header)} fields ({', '.join(header)})")
                if fields:
                    yield reader.line_num, dict(zip(header, (field.strip() for field in fields), strict=True))
    except OSError as error:
        raise BadTable(f"{file} cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadTable(f"{file} is not a table in UTF-8 with commas ({error})") from error
