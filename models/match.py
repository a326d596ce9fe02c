"""Whose face it is: cosines over a matrix of templates. Pure numpy; no file, no clock, no network.

A gallery never changes: adding or removing a person gives another one.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models import arrays, memory
from models.arrays import Vector
from models.errors import BadInput

DIMENSIONS = 128
# Two huge pages, 4 MB, hold them; a change copies one block in about 2 ms. A search lets other threads go on once a block and then
# waits for its turn, so smaller ones cost it its pace while people join. At a power of two the columns would fall into the same few
# sets of the cache, and a search would take 1.09 times as long.
BLOCK_ROWS = 8_160
UNIT_TOLERANCE = 1e-3  # float32 rounding of 128 numbers stays far below; a vector that was never normalised is far above
STRUCK = -2.0  # below every cosine, rounding included
NOBODY = -1.0  # the lowest cosine there is: the runner-up of a gallery with one person


@dataclass(frozen=True, slots=True)
class Match:
    """The nearest person, their cosine, and the best cosine of any *other* person (-1.0 if there is none). No decision."""

    person: str
    score: float
    runner_up: float


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some templates: `matrix` (n, 128) float32, unit rows, read-only; row i is of `persons[i]`."""

    matrix: NDArray[np.float32]
    persons: tuple[str, ...]
    owners: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "owners", frozenset(self.persons))

    @classmethod
    def of(cls, matrix: NDArray[np.float32], persons: tuple[str, ...]) -> Self:
        """A block of checked templates; the matrix is copied."""
        return cls(_frozen([matrix.T]), persons)

    def __len__(self) -> int:
        return len(self.persons)

    def rows_of(self, person: str) -> list[int]:
        """Which rows are this person's."""
        return [row for row, owner in enumerate(self.persons) if owner == person] if person in self.owners else []

    def joined(self, other: Block) -> Block:
        """This block and another one behind it."""
        return Block(_frozen([self.matrix.T, other.matrix.T]), self.persons + other.persons)

    def without(self, rows: list[int]) -> Block:
        """This block without some rows."""
        left = [at + 1 for at in rows]
        pieces = list(zip([0, *left], [*rows, len(self)], strict=True))
        columns = [self.matrix.T[:, begin:end] for begin, end in pieces]
        return Block(_frozen(columns), tuple(itertools.chain.from_iterable(self.persons[begin:end] for begin, end in pieces)))


def _frozen(pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Pieces (128, some) side by side in memory of their own, (128, n) contiguous, seen as a matrix (n, 128).

    BLAS streams through columns at about the pace of memory; row by row took 1.6 times as long, and small pages up to 2.7 times.
    """
    columns = memory.empty((DIMENSIONS, sum(piece.shape[1] for piece in pieces)))
    np.concatenate(pieces, axis=1, out=columns)
    columns.setflags(write=False)
    return columns.T


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Templates of persons, who may have several.

    Blocks are shared between a gallery and the one that it became: a change copies one block (4 MB at most), so that a search which
    runs meanwhile goes on in the old gallery, undisturbed. 100,000 templates take 52 MB, the sets of their owners 7.
    """

    blocks: tuple[Block, ...] = ()

    def __len__(self) -> int:
        return sum(len(block) for block in self.blocks)

    @property
    def persons(self) -> tuple[str, ...]:
        """Owner of each template, in the order of the rows."""
        return tuple(person for block in self.blocks for person in block.persons)

    @classmethod
    def of(cls, templates: Sequence[tuple[str, Vector]]) -> Self:
        """A gallery of many templates at once. Raises BadInput."""
        if not templates:
            return cls()
        return cls.of_matrix(np.stack([unit(vector) for _, vector in templates]), tuple(person for person, _ in templates))

    @classmethod
    def of_matrix(cls, matrix: NDArray[np.float32], persons: tuple[str, ...]) -> Self:
        """The same from a matrix (n, 128) float32 of unit rows. Raises BadInput."""
        checked = arrays.finite(matrix, (len(persons), DIMENSIONS), "templates")
        if not np.all(np.abs(np.linalg.norm(checked, axis=1) - 1) <= UNIT_TOLERANCE):
            raise BadInput("every template must be of unit length; Embedder.embed gives such vectors")
        if not all(persons):
            raise BadInput("every template needs a person")
        starts = range(0, len(persons), BLOCK_ROWS)
        return cls(tuple(Block.of(checked[at : at + BLOCK_ROWS], persons[at : at + BLOCK_ROWS]) for at in starts))

    def with_template(self, person: str, vector: Vector) -> Gallery:
        """This gallery and one more template. Raises BadInput."""
        added = Gallery.of([(person, vector)]).blocks
        if self.blocks and len(self.blocks[-1]) < BLOCK_ROWS:
            return Gallery((*self.blocks[:-1], self.blocks[-1].joined(added[0])))
        return Gallery(self.blocks + added)

    def without(self, person: str) -> Gallery:
        """This gallery without any template of `person`; the same if there was none."""
        return Gallery(tuple(_merged(_thinned(self.blocks, person))))

    def of_person(self, person: str) -> Gallery:
        """The templates of one person alone: what a 1:1 comparison searches."""
        found = [(block.matrix[rows], len(rows)) for block in self.blocks if (rows := block.rows_of(person))]
        if not found:
            return Gallery()
        matrix = np.concatenate([rows for rows, _ in found])
        return Gallery((Block.of(matrix, (person,) * len(matrix)),))


def _thinned(blocks: tuple[Block, ...], person: str) -> Iterator[Block]:
    for block in blocks:
        rows = block.rows_of(person)
        yield block.without(rows) if rows else block


def _merged(blocks: Iterable[Block]) -> Iterator[Block]:
    """The same rows in as few blocks as neighbours allow: people who come and go must not leave crumbs that slow every search."""
    waiting: Block | None = None
    for block in blocks:
        if not len(block):
            continue
        if waiting is not None and len(waiting) + len(block) <= BLOCK_ROWS // 2:
            waiting = waiting.joined(block)
            continue
        if waiting is not None:
            yield waiting
        waiting = block
    if waiting is not None:
        yield waiting


def best(gallery: Gallery, vector: Vector) -> Match | None:
    """Who in the gallery is most like `vector`, (128,) of unit length; None for an empty gallery. Raises BadInput.

    Of one person's several templates the best counts, and none of them is their own rival.
    """
    probe = unit(vector)
    if not gallery.blocks:
        return None
    scores, starts = _scores(gallery, probe)
    person, found = _nearest(gallery, scores, starts)
    owner, runner_up = person, found
    while owner == person and runner_up > NOBODY:  # the person's own further templates, a handful
        owner, runner_up = _nearest(gallery, scores, starts)
    return Match(person, min(found, 1.0), max(runner_up, NOBODY))


def _nearest(gallery: Gallery, scores: NDArray[np.float32], starts: list[int]) -> tuple[str, float]:
    """Owner and cosine of the highest score, which is struck from `scores`: the next call gives the second."""
    row = int(scores.argmax())
    found = float(scores[row])
    scores[row] = STRUCK
    which = bisect_right(starts, row) - 1
    return gallery.blocks[which].persons[row - starts[which]], found


def _scores(gallery: Gallery, probe: Vector) -> tuple[NDArray[np.float32], list[int]]:
    """Cosine of every template, (n,), and the row at which each block begins."""
    starts = list(itertools.accumulate((len(block) for block in gallery.blocks), initial=0))
    scores = np.empty(starts.pop(), dtype=np.float32)
    for start, block in zip(starts, gallery.blocks, strict=True):
        np.dot(block.matrix, probe, out=scores[start : start + len(block)])
    return scores, starts


def score(a: Vector, b: Vector) -> float:
    """Cosine of two unit vectors, (128,) each: -1 to 1, higher is more alike. Raises BadInput."""
    return float(np.clip(unit(a) @ unit(b), -1, 1))


def unit(vector: Vector) -> Vector:
    """`vector` as (128,) float32, of unit length. Raises BadInput: a zero, NaN or raw vector would match wrongly in silence."""
    checked = arrays.finite(vector, (DIMENSIONS,), "an embedding")
    length = float(np.linalg.norm(checked))
    if abs(length - 1) > UNIT_TOLERANCE:
        raise BadInput(f"an embedding must be of unit length; this one has {length:.4g}")
    return checked
